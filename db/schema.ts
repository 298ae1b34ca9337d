import type { Selectable } from "kysely";
import type { DelegationsTable, PrincipalsTable, GroupsTable, GroupMembersTable, TokensTable } from "./tables/people.ts";
import type { CommandsTable, AttemptsTable, CommandResultsTable, SubjectCommandsTable } from "./tables/commands.ts";
import type { ModelsTable, DefinitionsTable } from "./tables/models.ts";
import type { DefinitionChangesTable, PoliciesInForceTable, PoliciesTable, PolicyProposalsTable } from "./tables/policies.ts";
import type {
  ReleasesTable,
  ReleaseRequestsTable,
  ReleaseStagesTable,
  ContributorsTable,
  VersionsTable,
  ReproductionsTable,
} from "./tables/releases.ts";
import type {
  GatesTable,
  DecisionsTable,
  ApprovalsTable,
  FindingsTable,
  GatesNotNeededTable,
  ModelReadersTable,
  RenderingsTable,
  VotesTable,
} from "./tables/gates.ts";
import type { SlotsTable, DeploymentsTable, PredictionsTable, EnrolmentsTable, MonitorWindowsTable } from "./tables/slots.ts";
import type { SourceFilesTable } from "./tables/source-files.ts";
import type { AuditTable, AuditHeadTable } from "./tables/audit.ts";
import type {
  CourierCursorTable,
  DeliveriesTable,
  MessageWaysTable,
  NotifyPeopleTable,
  NotifySettingsTable,
  SlackLinksTable,
  SlackRequestsTable,
  SlackUsersTable,
  SlackWorkspacesTable,
} from "./tables/messages.ts";
import type { LegalHoldsTable, RetentionDaysTable, UnreachableArtifactsTable } from "./tables/retention.ts";
import type { WatchJobsTable } from "./tables/watch.ts";

/** All tables of migrations/, which are described in tables/, a file for each part of the registry. */
export interface Database {
  principals: PrincipalsTable;
  groups: GroupsTable;
  group_members: GroupMembersTable;
  tokens: TokensTable;
  delegations: DelegationsTable;
  commands: CommandsTable;
  attempts: AttemptsTable;
  policies: PoliciesTable;
  policies_in_force: PoliciesInForceTable;
  policy_proposals: PolicyProposalsTable;
  definition_changes: DefinitionChangesTable;
  models: ModelsTable;
  definitions: DefinitionsTable;
  releases: ReleasesTable;
  release_requests: ReleaseRequestsTable;
  release_stages: ReleaseStagesTable;
  contributors: ContributorsTable;
  versions: VersionsTable;
  reproductions: ReproductionsTable;
  gates: GatesTable;
  decisions: DecisionsTable;
  approvals: ApprovalsTable;
  votes: VotesTable;
  gates_not_needed: GatesNotNeededTable;
  findings: FindingsTable;
  renderings: RenderingsTable;
  model_readers: ModelReadersTable;
  slots: SlotsTable;
  deployments: DeploymentsTable;
  command_results: CommandResultsTable;
  subject_commands: SubjectCommandsTable;
  predictions: PredictionsTable;
  enrolments: EnrolmentsTable;
  monitor_windows: MonitorWindowsTable;
  source_files: SourceFilesTable;
  audit: AuditTable;
  audit_head: AuditHeadTable;
  slack_users: SlackUsersTable;
  slack_links: SlackLinksTable;
  slack_requests: SlackRequestsTable;
  slack_workspaces: SlackWorkspacesTable;
  notify_settings: NotifySettingsTable;
  notify_people: NotifyPeopleTable;
  deliveries: DeliveriesTable;
  courier_cursor: CourierCursorTable;
  message_ways: MessageWaysTable;
  watch_jobs: WatchJobsTable;
  legal_holds: LegalHoldsTable;
  retention_days: RetentionDaysTable;
  unreachable_artifacts: UnreachableArtifactsTable;
}

export type Row<Table extends keyof Database> = Selectable<Database[Table]>;

import type {
  AuditRecordView,
  AuditVerificationView,
  CommandView,
  GroupView,
  MeView,
  Page,
  ReadyView,
} from "../domain/http/record-views.ts";
import type {
  DecisionAnswersView,
  DecisionWithdrawnView,
  FindingView,
  GateItemView,
  GateView,
  ReceiptView,
} from "../domain/http/gate-views.ts";
import type {
  BrokeGlassView,
  DefinitionAppliedView,
  ModelItemView,
  ModelView,
  MonitoringView,
  PredictionView,
  ReproductionAskedView,
  RolledBackView,
  VersionItemView,
  VersionView,
} from "../domain/http/model-views.ts";
import type { SuggestionView } from "../domain/http/contract-suggestion.ts";
import type { ReleaseItemView, ReleaseRequestedView, ReleaseView } from "../domain/http/release-views.ts";
import type { PolicyItemView, PolicyProposedView, PolicyTestView, PolicyView } from "../domain/http/policy-views.ts";
import type { AuditKind } from "../domain/audit-events.ts";
import type { GateState } from "../domain/gate.ts";
import type { Digest, GateId, ModelName, ReleaseId, VersionId } from "../domain/ids.ts";
import type { ModelState, ReleaseState } from "../domain/lifecycle.ts";
import type { Surface } from "../domain/principal.ts";
import type { UnblockAction } from "../domain/signed-command.ts";
import type { Stage } from "../domain/stages.ts";
import type { Answer } from "./answer.ts";
import type { Caller, Sent } from "./caller.ts";
import type { ChartFile } from "./charts.ts";
import type { MessagesControl } from "./messages.ts";
import type { PeopleControl } from "./people-control.ts";

/**
 * The one door. Every surface calls these and nothing else; who may do what stands behind them.
 * Reads throw CountersignError (`not-found` for what one may not see); commands give an Answer,
 * refusals included, and throw only what is not kept: bad input before the command began
 * (`invalid`, `forbidden`, `not-found`), `key-reused`, `key-in-use`, `unavailable`, `internal`.
 */
export interface Control {
  /** Throws `unauthenticated`. */
  authenticate(token: string, surface: Surface): Promise<Caller>;
  /** A session for the console (12 h), made from a valid token. */
  startSession(caller: Caller): Promise<{ token: string; expiresAt: string }>;
  endSession(caller: Caller): Promise<void>;

  /** People, groups, tokens and delegations. */
  people: PeopleControl;
  messages: MessagesControl;
  /** A contract proposed from data. Throws what the reading of the sources throws. */
  suggestContract(caller: Caller, body: unknown): Promise<SuggestionView>;
  me(caller: Caller): MeView;
  models(caller: Caller, page: PageInput): Promise<Page<ModelItemView>>;
  model(caller: Caller, model: ModelName): Promise<ModelView>;
  releases(caller: Caller, filter: PageInput & ReleaseFilter): Promise<Page<ReleaseItemView>>;
  release(caller: Caller, release: ReleaseId): Promise<ReleaseView>;
  /** Throws `not-found` where no stage has a log. */
  releaseLog(
    caller: Caller,
    release: ReleaseId,
    options: { stage?: Stage | undefined; tail?: number | undefined },
  ): Promise<string>;
  gates(caller: Caller, filter: PageInput & GateFilter): Promise<Page<GateItemView>>;
  gate(caller: Caller, gate: GateId): Promise<GateView>;
  /** Throws `not-found`, also where the evidence has no such chart. */
  gateChart(caller: Caller, wanted: { gate: GateId; chart: string }): Promise<ChartFile>;
  versions(caller: Caller, filter: PageInput & { model?: ModelName | undefined }): Promise<Page<VersionItemView>>;
  version(caller: Caller, version: VersionId): Promise<VersionView>;
  prediction(caller: Caller, prediction: string): Promise<PredictionView>;
  monitoring(caller: Caller, model: ModelName): Promise<MonitoringView>;
  policies(caller: Caller, page: PageInput): Promise<Page<PolicyItemView>>;
  /** Throws `not-found`. */
  policy(caller: Caller, policy: string): Promise<PolicyView>;
  /** What it would ask of whom; asks nobody. `sent.body` as in domain/http/policy-views.ts. Throws `not-found`, `invalid`. */
  testPolicy(caller: Caller, policy: string, body: unknown): Promise<PolicyTestView>;
  proposePolicy(caller: Caller, policy: string, sent: DefinitionSent): Promise<Answer<PolicyProposedView>>;
  groups(caller: Caller, page: PageInput): Promise<Page<GroupView>>;
  audit(caller: Caller, filter: PageInput & AuditFilter): Promise<Page<AuditRecordView>>;
  verifyAudit(caller: Caller): Promise<AuditVerificationView>;
  command(caller: Caller, command: string): Promise<CommandView>;
  /** Records as they are committed, from after `after` (the newest when null); ends when `signal` does. */
  events(
    caller: Caller,
    options: { model?: ModelName | undefined; after: number | null; signal: AbortSignal },
  ): AsyncIterable<AuditRecordView>;

  /** `sent.body` as in domain/http/requests.ts; it is checked here. */
  decide(caller: Caller, gate: GateId, sent: Sent): Promise<Answer<ReceiptView>>;
  /** Each is answered as if it had been sent alone. */
  decideMany(caller: Caller, sent: Sent): Promise<Answer<DecisionAnswersView>>;
  withdrawDecision(caller: Caller, gate: GateId, sent: Sent): Promise<Answer<DecisionWithdrawnView>>;
  /** Keeps what a surface is about to show of a gate; a decision names the digest as `seen`. */
  keepRendered(caller: Caller, rendered: { gate: GateId; mediaType: string; text: string }): Promise<Digest>;
  findings(caller: Caller, model: ModelName): Promise<Page<FindingView>>;
  closeFinding(caller: Caller, about: { model: ModelName; finding: string }, sent: Sent): Promise<Answer<{ finding: string }>>;
  requestRelease(caller: Caller, model: ModelName, sent: Sent): Promise<Answer<ReleaseRequestedView>>;
  applyDefinition(caller: Caller, model: ModelName, sent: DefinitionSent): Promise<Answer<DefinitionAppliedView>>;
  rollback(caller: Caller, model: ModelName, sent: Sent): Promise<Answer<RolledBackView>>;
  breakGlass(caller: Caller, model: ModelName, sent: Sent): Promise<Answer<BrokeGlassView>>;
  changeState(
    caller: Caller,
    change: { model: ModelName; kind: "pause" | "resume" | "retire" },
    sent: Sent,
  ): Promise<Answer<{ model: ModelName; state: ModelState; gate: GateId | null }>>;
  unblock(caller: Caller, release: ReleaseId, sent: Sent): Promise<Answer<{ release: ReleaseId; action: UnblockAction }>>;
  withdraw(caller: Caller, release: ReleaseId, sent: Sent): Promise<Answer<{ release: ReleaseId; gate: GateId | null }>>;

  /** Trains a version a second time; what came of it stands with the version. `not-reproducible`: it was trained elsewhere. */
  reproduce(caller: Caller, version: VersionId, sent: Sent): Promise<Answer<ReproductionAskedView>>;

  ready(): Promise<ReadyView>;
  /** Delivers again what was pending; gives how many became known. */
  settlePending(): Promise<number>;
  /** Drops answers past their time (30 days; of decisions, once the gate is closed); gives how many. */
  forgetOldCommands(): Promise<number>;
}

export interface PageInput {
  limit: number;
  after?: string | undefined;
}

export interface GateFilter {
  state?: GateState | undefined;
  mine?: boolean | undefined;
  model?: ModelName | undefined;
}

export interface ReleaseFilter {
  model?: ModelName | undefined;
  state?: ReleaseState | undefined;
  /** Those that have not ended. */
  underWay?: boolean | undefined;
}

export interface AuditFilter {
  model?: ModelName | undefined;
  actor?: string | undefined;
  subject?: string | undefined;
  kind?: AuditKind | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface DefinitionSent {
  /** The definition's text. */
  text: string;
  format: "json" | "yaml";
  key: string | null;
  /** Digest that the present definition must have; `*`: there must be one; null: whatever is there. */
  ifMatch: string | null;
}

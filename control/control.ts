import type { ValueOf } from "../domain/commands/catalogue.ts";
import type { CommandKind } from "../domain/signed-command.ts";
import { createAdmission } from "./admission.ts";
import type { Answer } from "./answer.ts";
import { bindAll } from "./bind.ts";
import { readGateChart } from "./charts.ts";
import type { AskedFor } from "./commands/command.ts";
import { runCommand } from "./commands/registry.ts";
import { decideMany } from "./decide-many.ts";
import { giveDelegation, readDelegations, revokeDelegation } from "./delegations.ts";
import { defaultLimits, type ControlContext, type ControlDeps } from "./deps.ts";
import { createAuditFeed } from "./audit-feed.ts";
import { createStreams } from "./events.ts";
import { listFindings } from "./findings.ts";
import { listGates, readGate } from "./gates.ts";
import { readiness } from "./health.ts";
import { createMessagesControl } from "./messages.ts";
import { listModels, readModel } from "./models.ts";
import { readModelMonitoring } from "./monitoring.ts";
import { applyPeople, changeGroup, changePrincipal, deactivate, planPeople, readPeopleFile } from "./people-commands.ts";
import { listPrincipals, readGroup, readPrincipal } from "./people-reads.ts";
import { listPolicies, readPolicy, testPolicy } from "./policies.ts";
import { tracePrediction } from "./predictions.ts";
import { reconcile } from "./reconcile.ts";
import { checkAudit, keepHead, listAudit, listGroups, readMe, readOwnCommand } from "./records.ts";
import { readRelease, listReleases, readReleaseLog } from "./releases.ts";
import { keepRendered } from "./renderings.ts";
import { createSecretBox } from "./secret-box.ts";
import { forgetOldCommands, settlePending } from "./settle.ts";
import { authenticate, endSession, resumeSession, startSession } from "./sign-in.ts";
import { suggestContract } from "./suggest-contract.ts";
import { endToken, makeToken, readTokens } from "./tokens.ts";
import { listVersions, readVersion } from "./versions.ts";

/** Everything but the signed commands; each says what it does and throws where it stands. */
const useCases = {
  authenticate,
  resumeSession,
  startSession,
  endSession,
  me: readMe,
  models: listModels,
  model: readModel,
  monitoring: readModelMonitoring,
  findings: listFindings,
  releases: listReleases,
  release: readRelease,
  releaseLog: readReleaseLog,
  gates: listGates,
  gate: readGate,
  gateChart: readGateChart,
  keepRendered,
  decideMany,
  versions: listVersions,
  version: readVersion,
  prediction: tracePrediction,
  policies: listPolicies,
  policy: readPolicy,
  testPolicy,
  suggestContract,
  groups: listGroups,
  audit: listAudit,
  verifyAudit: checkAudit,
  reconcile,
  rememberHead: keepHead,
  command: readOwnCommand,
  ready: readiness,
  settlePending,
  forgetOldCommands,
};

/** People, groups, tokens and delegations. */
const peopleUseCases = {
  group: readGroup,
  changeGroup,
  principals: listPrincipals,
  principal: readPrincipal,
  changePrincipal,
  deactivate,
  file: readPeopleFile,
  plan: planPeople,
  apply: applyPeople,
  tokens: readTokens,
  makeToken,
  endToken,
  delegations: readDelegations,
  delegate: giveDelegation,
  revokeDelegation,
};

/**
 * The one door. Every surface calls these functions and nothing else; who may do what stands behind
 * them. Reads throw CountersignError (`not-found` for what one may not see); commands give an Answer,
 * refusals included, and throw only what is not kept: bad input before the command began
 * (`invalid`, `forbidden`, `not-found`), `key-reused`, `key-in-use`, `unavailable`, `internal`.
 */
export function createControl(deps: ControlDeps) {
  const context = contextOf(deps);
  return {
    ...bindAll(context, useCases),
    people: bindAll(context, peopleUseCases),
    events: createStreams(context).follow,
    messages: createMessagesControl(context, deps.secrets ?? createSecretBox(null)),
    /** A signed command of the kind: see `domain/commands/` for what each takes and answers. */
    run: <Kind extends CommandKind>(kind: Kind, asked: AskedFor<Kind>): Promise<Answer<ValueOf<Kind>>> =>
      runCommand(context, kind, asked),
  };
}

/** As surfaces name it. */
export interface Control extends ReturnType<typeof createControl> {}

function contextOf(deps: ControlDeps): ControlContext {
  const limits = { ...defaultLimits, ...deps.limits };
  return {
    ...deps,
    clock: deps.clock ?? (() => new Date()),
    publicUrl: (deps.publicUrl ?? "").replace(/\/$/, ""),
    temporalUiUrl: deps.temporalUiUrl?.replace(/\/$/, "") ?? null,
    limits,
    feed: createAuditFeed(deps),
    door: createAdmission({ inFlight: limits.decisionsAtTheDoor }),
    admission: createAdmission({ inFlight: limits.decisionsInFlight }),
  };
}

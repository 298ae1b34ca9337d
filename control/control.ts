import { createAdmission } from "./admission.ts";
import { applyDefinition } from "./apply-definition.ts";
import { breakGlass } from "./break-glass.ts";
import { readGateChart } from "./charts.ts";
import type { Control } from "./contract.ts";
import { decide } from "./decide.ts";
import { defaultLimits, type ControlContext, type ControlDeps } from "./deps.ts";
import { followAudit } from "./events.ts";
import { listGates, readGate } from "./gates.ts";
import { readiness } from "./health.ts";
import { changeState, rollback } from "./model-commands.ts";
import { listModels, readModel } from "./models.ts";
import { readModelMonitoring } from "./monitoring.ts";
import { createMessagesControl } from "./messages.ts";
import { createPeopleControl } from "./people-control.ts";
import { listPolicies, readPolicy, testPolicy } from "./policies.ts";
import { tracePrediction } from "./predictions.ts";
import { checkAudit, listAudit, listGroups, me, readOwnCommand } from "./records.ts";
import { unblock, withdraw } from "./release-commands.ts";
import { proposePolicy } from "./propose-policy.ts";
import { listReleases, readRelease, readReleaseLog } from "./releases.ts";
import { reproduce } from "./reproduction.ts";
import { requestRelease } from "./request-release.ts";
import { requireScope } from "./read-rights.ts";
import { createSecretBox } from "./secret-box.ts";
import { forgetOldCommands, settlePending } from "./settle.ts";
import { decideMany } from "./decide-many.ts";
import { closeFinding, listFindings } from "./findings.ts";
import { keepRendered } from "./renderings.ts";
import { withdrawDecision } from "./withdraw-decision.ts";
import { suggestContract } from "./suggest-contract.ts";
import { authenticate, endSession, startSession } from "./sign-in.ts";
import { listVersions, readVersion } from "./versions.ts";

/** Puts the use cases together behind the one door; `contract.ts` says what each does. */
export function createControl(deps: ControlDeps): Control {
  const context = contextOf(deps);
  const { db } = context;
  return {
    authenticate: (token, surface) => authenticate(db, token, surface),
    startSession: (caller) => startSession(db, caller, context.clock()),
    endSession: (caller) => endSession(db, caller),

    people: createPeopleControl(context),
    messages: createMessagesControl(context, deps.secrets ?? createSecretBox(null)),
    suggestContract: (caller, body) => suggestContract(context, caller, body),
    me,
    models: (caller, page) => listModels(context, caller, page),
    model: (caller, model) => readModel(context, caller, model),
    releases: (caller, filter) => listReleases(context, caller, filter),
    release: async (caller, release) => {
      requireScope(caller, "read");
      return readRelease(context, caller, release);
    },
    releaseLog: (caller, release, options) => readReleaseLog(context, caller, { release, ...options }),
    gates: (caller, filter) => listGates(context, caller, filter),
    gate: (caller, gate) => readGate(context, caller, gate),
    gateChart: (caller, wanted) => readGateChart(context, caller, wanted),
    versions: (caller, filter) => listVersions(context, caller, filter),
    version: (caller, version) => readVersion(context, caller, version),
    prediction: (caller, prediction) => tracePrediction(context, caller, prediction),
    monitoring: (caller, model) => readModelMonitoring(context, caller, model),
    policies: (caller, page) => listPolicies(context, caller, page),
    policy: (caller, policy) => readPolicy(context, caller, policy),
    testPolicy: (caller, policy, body) => testPolicy(context, caller, { policy, body }),
    proposePolicy: (caller, about, sent) => proposePolicy(context, { caller, about, sent }),
    groups: (caller, page) => listGroups(context, caller, page),
    audit: (caller, filter) => listAudit(context, caller, filter),
    verifyAudit: (caller) => checkAudit(context, caller),
    command: (caller, command) => readOwnCommand(context, caller, command),
    events: (caller, options) => {
      // Before the stream begins, while it can still be told as a problem.
      requireScope(caller, "read");
      return followAudit(context, caller, options);
    },

    decide: (caller, about, sent) => decide(context, { caller, about, sent }),
    decideMany: (caller, sent) => decideMany(context, caller, sent),
    withdrawDecision: (caller, about, sent) => withdrawDecision(context, { caller, about, sent }),
    keepRendered: (caller, rendered) => keepRendered(context, caller, rendered),
    findings: (caller, model) => listFindings(context, caller, model),
    closeFinding: (caller, about, sent) => closeFinding(context, { caller, about, sent }),
    requestRelease: (caller, about, sent) => requestRelease(context, { caller, about, sent }),
    applyDefinition: (caller, about, sent) => applyDefinition(context, { caller, about, sent }),
    breakGlass: (caller, about, sent) => breakGlass(context, { caller, about, sent }),
    rollback: (caller, about, sent) => rollback(context, { caller, about, sent }),
    changeState: (caller, { model, kind }, sent) => changeState(context, kind, { caller, about: model, sent }),
    unblock: (caller, about, sent) => unblock(context, { caller, about, sent }),
    withdraw: (caller, about, sent) => withdraw(context, { caller, about, sent }),

    reproduce: (caller, about, sent) => reproduce(context, { caller, about, sent }),

    ready: () => readiness(context),
    settlePending: () => settlePending(context),
    forgetOldCommands: () => forgetOldCommands(context),
  };
}

function contextOf(deps: ControlDeps): ControlContext {
  const limits = { ...defaultLimits, ...deps.limits };
  return {
    ...deps,
    clock: deps.clock ?? (() => new Date()),
    publicUrl: (deps.publicUrl ?? "").replace(/\/$/, ""),
    temporalUiUrl: deps.temporalUiUrl?.replace(/\/$/, "") ?? null,
    limits,
    door: createAdmission({ inFlight: limits.decisionsAtTheDoor }),
    admission: createAdmission({ inFlight: limits.decisionsInFlight }),
  };
}

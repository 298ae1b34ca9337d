import { closeGate } from "../gate/close-gate.ts";
import { fallDue } from "../gate/fall-due.ts";
import { freezeExternalGate } from "../gate/freeze-external-gate.ts";
import { freezeGate } from "../gate/freeze-gate.ts";
import { gateIdTaken } from "../gate/gate-id-taken.ts";
import { askSubjectAnew } from "../gate/ask-subject-anew.ts";
import { openGate } from "../gate/open-gate.ts";
import { readGate } from "../gate/read-gate.ts";
import { renewGate } from "../gate/renew-gate.ts";
import { approveByPolicy } from "../slot/approve-by-policy.ts";
import { breakGlass } from "../slot/break-glass.ts";
import { deploy } from "../slot/deploy.ts";
import { giveUpTakenReview, reviewsToOpen } from "../slot/open-reviews.ts";
import { rollBack } from "../slot/roll-back.ts";
import { findDeadRuns } from "../watch/find-dead-runs.ts";
import { createWatchActivities } from "../watch/watch-activities.ts";
import type { RecordActivities, WatchActivities } from "../contract.ts";
import { applyDefinition } from "./apply-definition.ts";
import { blockRelease } from "./block-release.ts";
import { changeModelState } from "./change-model-state.ts";
import { createRelease } from "./create-release.ts";
import type { RecordDeps } from "./deps.ts";
import { endRelease } from "./end-release.ts";
import { closeFinding } from "./findings.ts";
import { foldRequest } from "./fold-request.ts";
import { proposePolicy } from "./propose-policy.ts";
import { readChampion, readRelease } from "./read-release.ts";
import { recallModel } from "./recall-model.ts";
import { recordEvaluation } from "./record-evaluation.ts";
import { recordVersion } from "./record-version.ts";
import { refuseMessage } from "./refuse-message.ts";
import { endReproduction, startReproduction } from "./reproductions.ts";
import { beginStage, endStage, skipStage } from "./stages.ts";
import { startRelease } from "./start-release.ts";
import { unblockRelease } from "./unblock-release.ts";
import { withdrawRelease } from "./withdraw-release.ts";

/** All activities of the light queue, the watch's among them. One use case a file; this only binds them to what they work with. */
export function createRecordActivities(deps: RecordDeps): RecordActivities & WatchActivities {
  const bind =
    <Input, Answer>(activity: (deps: RecordDeps, input: Input) => Promise<Answer>) =>
    (input: Input) =>
      activity(deps, input);
  const watch = createWatchActivities(deps);
  return {
    ...watch,
    applyDefinition: bind(applyDefinition),
    changeModelState: bind(changeModelState),
    createRelease: bind(createRelease),
    foldRequest: bind(foldRequest),
    rollBack: bind(rollBack),
    breakGlass: bind(breakGlass),
    reviewsToOpen: bind(reviewsToOpen),
    giveUpReview: bind(giveUpTakenReview),
    recallModel: bind(recallModel),
    searchAttributesReady: async () => (await deps.searchAttributes?.ready()) ?? false,
    startRelease: bind(startRelease),
    beginStage: bind(beginStage),
    endStage: bind(endStage),
    skipStage: bind(skipStage),
    blockRelease: bind(blockRelease),
    unblockRelease: bind(unblockRelease),
    withdrawRelease: bind(withdrawRelease),
    recordVersion: bind(recordVersion),
    recordEvaluation: bind(recordEvaluation),
    readChampion: bind(readChampion),
    readRelease: bind(readRelease),
    endRelease: bind(endRelease),
    startReproduction: bind(startReproduction),
    endReproduction: bind(endReproduction),
    proposePolicy: bind(proposePolicy),
    // Only the watch, which asked Temporal itself, says of a request that opened that its workflow is dead.
    askSubjectAnew: bind((own, { gate, why }) => askSubjectAnew(own, { gate, why, taken: true })),
    freezeGate: bind(freezeGate),
    openGate: bind(openGate),
    closeGate: bind(closeGate),
    readGate: bind(readGate),
    fallDue: bind(fallDue),
    renewGate: bind(renewGate),
    freezeExternalGate: bind(freezeExternalGate),
    closeFinding: bind(closeFinding),
    refuseMessage: bind(refuseMessage),
    gateIdTaken: bind(gateIdTaken),
    approveByPolicy: bind(approveByPolicy),
    deploy: bind(deploy),
    findDeadRuns: () => findDeadRuns(watch),
  };
}

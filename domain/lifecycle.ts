import type { Stage } from "./stages.ts";

/**
 * The life of a release, as a table. Workflow, API, console, CLI and docs derive from it.
 *
 *   queued ──start──> running ──gate-opens──> waiting ──gate-approved──> running ──finished──> ended
 *                        │ └─stage-fails─> blocked ──retry/skip──> running
 *                        └ any state but ended: withdraw, abandon (blocked only), gate closed otherwise ──> ended
 */
export const releaseStates = ["queued", "running", "waiting", "blocked", "ended"] as const;
export type ReleaseState = (typeof releaseStates)[number];

export const releaseOutcomes = [
  "promoted",
  "rejected",
  "changes-requested",
  "expired",
  "superseded",
  "withdrawn",
  "abandoned",
  "aborted",
  "kept",
] as const;
export type ReleaseOutcome = (typeof releaseOutcomes)[number];

export const triggers = ["api", "slack", "schedule", "drift", "data", "console", "cli"] as const;
export type Trigger = (typeof triggers)[number];

export const modelStates = ["active", "paused", "retired"] as const;
export type ModelState = (typeof modelStates)[number];

/** What a person may ask of a release, and in which states it is legal. */
export const releaseActions = {
  retry: ["blocked"],
  skip: ["blocked"],
  abandon: ["blocked"],
  withdraw: ["queued", "running", "waiting", "blocked"],
} as const satisfies Record<string, readonly ReleaseState[]>;
export type ReleaseAction = keyof typeof releaseActions;

export function actionsOf(state: ReleaseState): ReleaseAction[] {
  return (Object.keys(releaseActions) as ReleaseAction[]).filter((action) =>
    (releaseActions[action] as readonly ReleaseState[]).includes(state),
  );
}

/** Why a release is blocked, for people and for programs. */
export interface BlockedCause {
  stage: Stage | "gate";
  code: string;
  /** A whole sentence. */
  message: string;
  cure: string;
  faults: { path: string; message: string; line?: number; column?: number }[];
  /** The end of the stage's log, if it has one (8 KiB at most). */
  logTail: string | null;
  /** True when the stage allows a skip under the release's policy. */
  skippable: boolean;
}

/** What becomes of a request for a release while another one is active. */
export type Intake = { kind: "start" } | { kind: "fold"; into: "active" | "queued" } | { kind: "queue" };

export interface IntakeState {
  activeDefinition: string | null;
  activeHasParameters: boolean;
  queuedDefinition: string | null;
}

/**
 * One active release a model. A request for the same work folds into the one that is there; other
 * work (a newer definition, other parameters) waits as the one queued release, into which later
 * requests fold, so that the newest definition runs next and nothing piles up.
 */
export function admitRequest(state: IntakeState, wanted: { definition: string; hasParameters: boolean }): Intake {
  if (state.activeDefinition === null) return { kind: "start" };
  const sameAsActive = state.activeDefinition === wanted.definition && !wanted.hasParameters && !state.activeHasParameters;
  if (sameAsActive) return { kind: "fold", into: "active" };
  return state.queuedDefinition === null ? { kind: "queue" } : { kind: "fold", into: "queued" };
}

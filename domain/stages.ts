/** The seven steps of a release, in their order. */
export const stages = ["ingest", "validate", "featurize", "train", "evaluate", "deploy", "monitor"] as const;
export type Stage = (typeof stages)[number];

export const stageStates = ["pending", "running", "done", "failed", "skipped"] as const;
export type StageState = (typeof stageStates)[number];

export function isStage(text: string): text is Stage {
  return stages.some((stage) => stage === text);
}

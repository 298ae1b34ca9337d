/** What ages, in the words of its setting (COUNTERSIGN_KEEP_…_DAYS), and for how many days it is kept. */
export interface KeepDays {
  predictions: number;
  attempts: number;
  windows: number;
  messages: number;
  sources: number;
  tokens: number;
  /** So long nothing named an artifact before it is removed. */
  artifacts: number;
}

/** What nobody set. */
export const keptDays: KeepDays = {
  predictions: 90,
  attempts: 365,
  windows: 365,
  messages: 180,
  sources: 90,
  tokens: 90,
  artifacts: 7,
};

/** The least; of predictions the database itself keeps that much (0050-retention.sql). */
export const leastDays: KeepDays = {
  predictions: 30,
  attempts: 30,
  windows: 30,
  messages: 7,
  sources: 1,
  tokens: 1,
  artifacts: 2,
};

export const mostDays = 36_500;

/** How many of each went; of artifacts their bytes as well. */
export type Removed = Partial<Record<keyof KeepDays | "artifactBytes", number>>;

export function addRemoved(one: Removed, other: Removed): Removed {
  const sum: Removed = { ...one };
  // The keys of a Removed.
  for (const [what, count] of Object.entries(other) as [keyof Removed, number][]) sum[what] = (sum[what] ?? 0) + count;
  return sum;
}

export const retentionSchedule = {
  id: "retention",
  workflowType: "retention",
  taskQueue: "lifecycle",
  everySeconds: 3_600,
} as const;

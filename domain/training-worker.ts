/**
 * What a training worker says of itself in its identity at Temporal, where the server sees it: it has neither
 * a database nor a door. Nothing is said of one that isolates.
 */
const words = {
  unisolated: "runs trainers of commands without isolation, as COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS says",
  refusing: "refuses trainers of commands, which it cannot isolate",
} as const;

type Mark = keyof typeof words;

/** The SDK's own identity is `<pid>@<host>`, to which a mark is put before. */
export function markedIdentity(mark: Mark | null, identity: string): string {
  return mark === null ? identity : `${mark}-trainers:${identity}`;
}

/** The sentences of those that said something, each once. */
export function saidByWorkers(identities: readonly string[]): string[] {
  const marks = Object.entries(words).filter(([mark]) => identities.some((one) => one.startsWith(`${mark}-trainers:`)));
  return marks.map(([, sentence]) => `a training worker ${sentence}`);
}

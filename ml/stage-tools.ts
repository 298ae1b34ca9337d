/** What long work is given so that it can be watched and stopped. */
export interface StageTools {
  signal: AbortSignal;
  /** Says in a few words what is being done now. */
  progress(detail: string): void;
}

/** For callers that neither watch nor stop the work. */
export const unwatched: StageTools = {
  signal: new AbortController().signal,
  progress: () => undefined,
};

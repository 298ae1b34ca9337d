/** A fault as found here or as the API told it. */
export interface ShownFault {
  path: string;
  message: string;
  line?: number | undefined;
  column?: number | undefined;
  file?: string | undefined;
}

/** What scripts rely on. */
export const exitCodes = {
  ok: 0,
  refused: 1,
  badInput: 2,
  notReachable: 3,
  notAllowed: 4,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the command with a sentence for the person and a code for the script. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** A second sentence: what to do. */
  readonly cure: string | null;
  readonly faults: ShownFault[];
  /** What `--json` prints; the sentence, where there is nothing better. */
  readonly body: unknown;

  constructor(exitCode: ExitCode, message: string, more: { cure?: string | null; faults?: ShownFault[]; body?: unknown } = {}) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.cure = more.cure ?? null;
    this.faults = more.faults ?? [];
    this.body = more.body ?? { error: message };
  }
}

/** The exit code of an HTTP refusal. */
export function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 400 || status === 413 || status === 415 || status === 422) return exitCodes.badInput;
  return status === 429 || status === 503 ? exitCodes.notReachable : exitCodes.refused;
}

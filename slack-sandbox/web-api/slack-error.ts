/** An answer `ok: false`, with the name that Slack gives the error and what it adds. */
export class SlackError extends Error {
  readonly code: string;
  readonly extra: Record<string, unknown>;
  constructor(code: string, extra: Record<string, unknown> = {}) {
    super(code);
    this.name = "SlackError";
    this.code = code;
    this.extra = extra;
  }
}

/** As Slack tells faults of arguments, blocks and views. */
export function withMessages(code: string, faults: string[]): SlackError {
  return new SlackError(code, { errors: faults, response_metadata: { messages: faults.map((fault) => `[ERROR] ${fault}`) } });
}

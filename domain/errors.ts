/**
 * Every error that a person or a program can meet, in one closed set. `retry` says whether the
 * same attempt may succeed later by itself; `status` is its one HTTP form; `cure` what to do.
 */
export const errorCodes = {
  unauthenticated: {
    status: 401,
    retry: false,
    cure: "Send a valid token: Authorization: Bearer <token>.",
  },
  forbidden: { status: 403, retry: false, cure: "Ask somebody with the role or group named here." },
  "not-allowed": { status: 403, retry: false, cure: "Ask a member of the groups named to decide." },
  self: { status: 403, retry: false, cure: "Ask one of those named who did not contribute." },
  "own-benefit": { status: 403, retry: false, cure: "Ask another admin to make this change." },
  "last-admin": { status: 409, retry: false, cure: "Give another person the role admin first." },
  "not-found": { status: 404, retry: false, cure: "Check the id; lists show what you may see." },
  invalid: { status: 422, retry: false, cure: "Correct the fields named and send it again." },
  "method-not-allowed": {
    status: 405,
    retry: false,
    cure: "Use one of the methods that Allow names.",
  },
  "malformed-body": {
    status: 400,
    retry: false,
    cure: "Send well-formed JSON with its content type.",
  },
  "unsupported-type": { status: 415, retry: false, cure: "Send one of the content types named." },
  "too-large": { status: 413, retry: false, cure: "Send less at once." },
  "too-many-requests": { status: 429, retry: true, cure: "Wait as long as Retry-After says." },
  "key-reused": { status: 422, retry: false, cure: "Use a new Idempotency-Key for another body." },
  "key-in-use": {
    status: 409,
    retry: true,
    cure: "The first request is under way; ask again shortly.",
  },
  "precondition-failed": {
    status: 412,
    retry: false,
    cure: "Read it again; somebody changed it meanwhile.",
  },
  superseded: { status: 409, retry: false, cure: "Decide on the newer request." },
  "already-decided": { status: 409, retry: false, cure: "Nothing to do: the gate is closed." },
  expired: { status: 409, retry: false, cure: "The deadline passed; request a new release." },
  stale: {
    status: 409,
    retry: false,
    cure: "Read the request again and decide on its present digest.",
  },
  "already-voted": {
    status: 409,
    retry: false,
    cure: "Whoever made the first decision withdraws it before another counts in its place.",
  },
  "nothing-to-withdraw": {
    status: 409,
    retry: false,
    cure: "Only a decision of your own on an open gate can be taken back.",
  },
  "not-blocked": {
    status: 409,
    retry: false,
    cure: "Only a blocked release can be unblocked; look at its state.",
  },
  "not-active": { status: 409, retry: false, cure: "The release has ended; request a new one." },
  "skip-not-allowed": {
    status: 409,
    retry: false,
    cure: "The policy allows no skip here: retry or abandon.",
  },
  "model-paused": { status: 409, retry: false, cure: "Resume the model first." },
  "model-retired": { status: 409, retry: false, cure: "A retired model takes no commands." },
  "nothing-to-roll-back-to": { status: 409, retry: false, cure: "Promote a second version first." },
  "never-approved": { status: 409, retry: false, cure: "Name a version that was approved." },
  "approval-revoked": { status: 409, retry: false, cure: "Name a version whose approval stands." },
  "already-champion": { status: 409, retry: false, cure: "Nothing to do: it serves already." },
  "no-champion": { status: 409, retry: false, cure: "Release and approve a version first." },
  unavailable: { status: 503, retry: true, cure: "Try again with the same Idempotency-Key." },
  internal: {
    status: 500,
    retry: false,
    cure: "Report it with the id given; nothing was changed knowingly.",
  },
  // What makes a stage fail for good: the release becomes blocked with one of these.
  "source-missing": {
    status: 422,
    retry: false,
    cure: "Put the file there, or correct data.sources.",
  },
  "source-unreadable": {
    status: 422,
    retry: false,
    cure: "Correct what the message names (the file, its address or the query), then retry.",
  },
  "source-schema": {
    status: 422,
    retry: false,
    cure: "Deliver the columns that the definition names.",
  },
  "contract-broken": {
    status: 422,
    retry: false,
    cure: "Correct the data or change the contract, then retry.",
  },
  "feature-sql": {
    status: 422,
    retry: false,
    cure: "Correct features.sql, apply the definition, release again.",
  },
  leakage: {
    status: 422,
    retry: false,
    cure: "Take out what gives the label away, or accept it with a reason in features.accept; apply the definition, release again.",
  },
  "too-few-rows": { status: 422, retry: false, cure: "Deliver more rows or a longer window." },
  "trainer-failed": {
    status: 422,
    retry: false,
    cure: "Read the end of the log; retry with changed parameters.",
  },
  "trainer-timeout": {
    status: 422,
    retry: false,
    cure: "Raise train.limits.minutes, or train on less.",
  },
  "trainer-memory": {
    status: 422,
    retry: false,
    cure: "Raise train.limits.memoryMb, or train on less.",
  },
  "trainer-output": {
    status: 422,
    retry: false,
    cure: "Make the trainer write less than its limit.",
  },
  "trainer-environment": {
    status: 422,
    retry: false,
    cure: "Do what the message names (a Python, or a way to a package registry), then retry.",
  },
  "trainer-isolation": {
    status: 422,
    retry: false,
    cure: "Make the training worker able to isolate (docs/trainers.md), or let it run such trainers without by COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS=true, then retry.",
  },
  "model-refused": {
    status: 422,
    retry: false,
    cure: "Write a model within the limits of docs/definition.md.",
  },
  "evaluation-failed": {
    status: 422,
    retry: false,
    cure: "Read the cause; the holdout or the thresholds do not fit.",
  },
  "not-reproducible": {
    status: 409,
    retry: false,
    cure: "Only what was trained here can be trained here again; ask whoever trained it.",
  },
  "artifact-corrupt": {
    status: 500,
    retry: false,
    cure: "Restore the artifact store, then retry.",
  },
  "gate-id-taken": {
    status: 409,
    retry: false,
    cure: "End the foreign workflow, then retry: a new request is opened.",
  },
  "not-signed": {
    status: 403,
    retry: false,
    cure: "Decide through Countersign; a bare Temporal message counts nothing.",
  },
  "result-not-sealed": {
    status: 409,
    retry: false,
    cure: "Retry: the stage is done again, and its worker seals what it finds.",
  },
  "digest-mismatch": {
    status: 409,
    retry: false,
    cure: "The bytes are not those that were approved: release again.",
  },
  "slot-moved": {
    status: 409,
    retry: false,
    cure: "Somebody moved the slot meanwhile; look at its present champion.",
  },
  transient: { status: 503, retry: true, cure: "It is tried again by itself." },
} as const satisfies Record<string, { status: number; retry: boolean; cure: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** One fault of an input, at a path such as `data.sources.flights.files`, with a place in the text if there is one. */
export interface Fault {
  path: string;
  message: string;
  line?: number;
  column?: number;
  /** The file it stands in, where that is not the text that was sent: a contract that a definition names. */
  file?: string;
}

/** The one error class of the product; `detail` is a whole sentence for the person who meets it. */
export class CountersignError extends Error {
  readonly code: ErrorCode;
  readonly faults: Fault[];
  /** What to do: the code's own cure, where the cause has none that is truer. */
  readonly cure: string;
  /** Further members of the problem document or of the blocked release, such as `{ logTail }`. */
  readonly extra: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    detail: string,
    more: { faults?: Fault[]; cure?: string; extra?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "CountersignError";
    this.code = code;
    this.faults = more.faults ?? [];
    this.cure = more.cure ?? errorCodes[code].cure;
    this.extra = more.extra ?? {};
  }
}

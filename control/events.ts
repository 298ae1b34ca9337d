import { readAudit, readAuditHead } from "../db/reads/audit.ts";
import { readHolder } from "../db/reads/people.ts";
import type { AuditRecordView } from "../domain/http/record-views.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ModelName, PrincipalId } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { requireScope, scopeOf } from "./read-rights.ts";
import { recordOf } from "./records.ts";

const pageRecords = 200;
/** A notice can be missed; this is how late a record may then be. */
const lookEveryMs = 2_000;

/** A stream ends after so long; the reader comes again, with a token that is then looked at anew. */
const longestStreamMs = 10 * 60_000;

/** A person has some tabs open and a program or two; each stream asks the database at every record. */
const mostStreams = 20;

/** The event streams of this process, counted by principal. */
export function createStreams(context: ControlContext) {
  const open = new Map<PrincipalId, number>();

  return {
    /** Throws `forbidden` and `too-many-requests`. A stream's place is free again when the signal ends it, or it ends. */
    follow(caller: Caller, options: FollowOptions): AsyncIterable<AuditRecordView> {
      // Before the stream begins, while it can still be told as a problem.
      requireScope(caller, "read");
      const { id } = caller.principal;
      const count = open.get(id) ?? 0;
      if (count >= mostStreams)
        throw new CountersignError(
          "too-many-requests",
          `${id} has ${mostStreams} event streams open here, which is as many as one may have; end one first.`,
          { extra: { retryAfterSeconds: 10 } },
        );
      open.set(id, count + 1);
      let isOpen = true;
      const release = () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (open.get(id) ?? 1) - 1;
        if (left > 0) open.set(id, left);
        else open.delete(id);
      };
      options.signal.addEventListener("abort", release, { once: true });
      return releasing(followAudit(context, caller, options), release);
    },
  };
}

async function* releasing<Item>(items: AsyncIterable<Item>, release: () => void): AsyncGenerator<Item> {
  try {
    yield* items;
  } finally {
    release();
  }
}

interface FollowOptions {
  model?: ModelName | undefined;
  /** The record to go on from; null: from the newest. */
  after: number | null;
  signal: AbortSignal;
}

/**
 * Audit records as they are committed, in the order of the chain, which is the order of commit:
 * nothing can appear later with a smaller number. Ends when the signal does.
 */
async function* followAudit(context: ControlContext, caller: Caller, options: FollowOptions): AsyncGenerator<AuditRecordView> {
  const { model } = options;
  const signal = context.closing ? AbortSignal.any([options.signal, context.closing]) : options.signal;
  let after = options.after ?? (await readAuditHead(context.db)).seq;
  const bell = createBell(context, signal);
  const until = Date.now() + longestStreamMs;
  try {
    while (!signal.aborted && Date.now() < until) {
      const heard = bell.next();
      // Whoever left, or lost a group, reads no further record.
      const reader = await readHolder(context.db, caller.token.id);
      if (!reader) return;
      const scope = scopeOf(reader);
      const head = (await readAuditHead(context.db)).seq;
      const rows = head > after ? await readAudit(context.db, scope, { model, limit: pageRecords, after }) : [];
      for (const row of rows) {
        yield recordOf(row);
        after = row.seq;
      }
      if (rows.length < pageRecords) {
        // What the scope hides up to the head need not be looked at again.
        after = Math.max(after, rows.length === 0 ? head : after);
        await heard;
      }
    }
  } finally {
    bell.stop();
  }
}

/** `next` resolves at the next notice, after a while without one, or when the signal ends. */
function createBell(context: ControlContext, signal: AbortSignal) {
  let ring: () => void = () => undefined;
  const stopListening = context.notices?.subscribe(() => ring());
  const onAbort = () => ring();
  signal.addEventListener("abort", onAbort);
  return {
    next: () =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookEveryMs);
        ring = () => {
          clearTimeout(timer);
          resolve();
        };
        if (signal.aborted) ring();
      }),
    stop() {
      ring();
      stopListening?.();
      signal.removeEventListener("abort", onAbort);
    },
  };
}

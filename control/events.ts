import { readAudit, readAuditHead } from "../db/reads/audit.ts";
import { readHolder } from "../db/reads/people.ts";
import type { AuditRecordView } from "../domain/http/record-views.ts";
import type { ModelName } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { requireScope, scopeOf } from "./read-rights.ts";
import { recordOf } from "./records.ts";

const pageRecords = 200;
/** A notice can be missed; this is how late a record may then be. */
const lookEveryMs = 2_000;

/** A stream ends after so long; the reader comes again, with a token that is then looked at anew. */
const longestStreamMs = 10 * 60_000;

/**
 * Audit records as they are committed, in the order of the chain, which is the order of commit:
 * nothing can appear later with a smaller number. Ends when the signal does.
 */
export function followAudit(context: ControlContext, caller: Caller, options: Following): AsyncIterable<AuditRecordView> {
  // Before the stream begins, while it can still be told as a problem.
  requireScope(caller, "read");
  return follow(context, caller, options);
}

interface Following {
  model?: ModelName | undefined;
  /** The record to go on from; null: from the newest. */
  after: number | null;
  signal: AbortSignal;
}

async function* follow(context: ControlContext, caller: Caller, options: Following): AsyncGenerator<AuditRecordView> {
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

import { readAudit } from "../db/reads/audit.ts";
import { readHolder } from "../db/reads/people.ts";
import type { AuditRecordView } from "../domain/http/record-views.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ModelName, PrincipalId } from "../domain/ids.ts";
import type { JoinedStream } from "./audit-feed.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { listScopeOf, requireScope } from "./read-rights.ts";
import { recordOf } from "./records.ts";

const pageRecords = 200;

/** A stream ends after so long; the reader comes again, with a token that is then looked at anew. */
const longestStreamMs = 10 * 60_000;

/** A person has some tabs open and a program or two; each stream holds what its reader has not taken yet. */
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
 * nothing can appear later with a smaller number. What was committed before is read by the stream itself,
 * the rest comes from the process's feed. Ends when the signal does.
 */
async function* followAudit(context: ControlContext, caller: Caller, options: FollowOptions): AsyncGenerator<AuditRecordView> {
  const { model } = options;
  const signals = [options.signal, AbortSignal.timeout(longestStreamMs), ...(context.closing ? [context.closing] : [])];
  const signal = AbortSignal.any(signals);
  let after = options.after ?? (await context.feed.begin());
  let stream: JoinedStream | null = null;
  while (stream === null) {
    const present = await context.feed.begin();
    while (after < present) {
      const reader = await readHolder(context.db, caller.token.id);
      if (!reader || signal.aborted) return;
      const rows = await readAudit(context.db, await listScopeOf(context, reader), { model, limit: pageRecords, after });
      for (const row of rows) {
        yield recordOf(row);
        after = row.seq;
      }
      // What the scope hides up to there need not be looked at again.
      if (rows.length < pageRecords) after = Math.max(after, present);
    }
    if (signal.aborted) return;
    stream = context.feed.join({ token: caller.token.id, model, after });
  }
  signal.addEventListener("abort", stream.leave);
  try {
    for (let rows = await stream.next(); rows !== null && !signal.aborted; rows = await stream.next())
      for (const row of rows) yield recordOf(row);
  } finally {
    signal.removeEventListener("abort", stream.leave);
    stream.leave();
  }
}

import { readAuditAfter, readAuditHead, readStreamReaders, type AuditBody } from "../db/reads/audit.ts";
import type { ModelName } from "../domain/ids.ts";
import type { ControlDeps } from "./deps.ts";

/** Records read at once; while many are committed, the streams get them in pieces of this size. */
const pageRecords = 200;
/** A notice can be missed; this is how late a record may then be. */
const lookEveryMs = 2_000;
/** A reader who takes nothing for so many records is let go; it comes again with the last that it had. */
const mostWaiting = 2_000;

export interface AuditStream {
  token: string;
  model?: ModelName | undefined;
  /** Records up to this one are not wanted. */
  after: number;
}

/**
 * New audit records for all event streams of a process: each commit is read once, and who of the readers
 * may see it is asked once for all of them, however many they are. Records committed in a burst are
 * read together.
 */
export interface AuditFeed {
  /** Up to which record the streams that are open have been told; brings it up to date where none is open. */
  begin(): Promise<number>;
  /** Null where the feed is further than `after` by now: what lies between is to be read first. */
  join(stream: AuditStream): JoinedStream | null;
}

export interface JoinedStream {
  /** Null when it had to be let go, or its reader may read nothing any more. */
  next(): Promise<AuditBody[] | null>;
  leave(): void;
}

interface Joined extends AuditStream {
  waiting: AuditBody[];
  ended: boolean;
  failed: Error | null;
  wake(): void;
}

export function createAuditFeed(deps: Pick<ControlDeps, "db" | "notices" | "closing">): AuditFeed {
  const { db, closing } = deps;
  const streams = new Set<Joined>();
  let position = 0;
  let running = false;

  /** Gives whether there may be more. */
  async function pass(): Promise<boolean> {
    const records = await readAuditAfter(db, { after: position, limit: pageRecords });
    const last = records.at(-1);
    if (!last) return false;
    // At once: a stream that joins from here on has these records behind it, or is told to read them first.
    position = last.seq;
    const open = [...streams];
    const tokens = [...new Set(open.map((stream) => stream.token))];
    const readers = await readStreamReaders(db, tokens, records);
    for (const stream of open) {
      const sees = readers.get(stream.token);
      // Whoever left, or whose token was revoked, reads no further record.
      if (!sees || !deliver(stream, records.filter(sees))) end(stream, null);
    }
    return records.length === pageRecords;
  }

  function end(stream: Joined, failed: Error | null): void {
    streams.delete(stream);
    letGo(stream, failed);
  }

  async function run(): Promise<void> {
    const bell = createBell(deps);
    try {
      while (streams.size > 0 && closing?.aborted !== true) {
        const heard = bell.next();
        if (!(await pass())) await heard;
      }
      for (const stream of streams) end(stream, null);
    } catch (error) {
      for (const stream of streams) end(stream, error instanceof Error ? error : new Error(String(error)));
    } finally {
      running = false;
      bell.stop();
    }
  }

  return {
    async begin() {
      if (!running) position = (await readAuditHead(db)).seq;
      return position;
    },
    join(wanted) {
      if (wanted.after < position) return null;
      const stream: Joined = { ...wanted, waiting: [], ended: false, failed: null, wake: () => undefined };
      streams.add(stream);
      if (!running) {
        running = true;
        void run();
      }
      return { next: () => nextOf(stream), leave: () => end(stream, null) };
    },
  };
}

/** False where its reader takes too little. */
function deliver(stream: Joined, records: AuditBody[]): boolean {
  const { model, after } = stream;
  const wanted = records.filter((record) => record.seq > after && (model === undefined || record.model === model));
  stream.waiting.push(...wanted);
  if (wanted.length > 0) stream.wake();
  return stream.waiting.length <= mostWaiting;
}

function letGo(stream: Joined, failed: Error | null): void {
  stream.ended = true;
  stream.failed = failed;
  stream.wake();
}

async function nextOf(stream: Joined): Promise<AuditBody[] | null> {
  if (stream.waiting.length === 0 && !stream.ended) await new Promise<void>((resolve) => (stream.wake = resolve));
  if (stream.failed) throw stream.failed;
  return stream.waiting.length > 0 ? stream.waiting.splice(0) : null;
}

/** `next` resolves at the next notice, after a while without one, or when the process closes. */
function createBell({ notices, closing }: Pick<ControlDeps, "notices" | "closing">) {
  let ring: () => void = () => undefined;
  const stopListening = notices?.subscribe(() => ring());
  const onAbort = () => ring();
  closing?.addEventListener("abort", onAbort);
  return {
    next: () =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookEveryMs);
        ring = () => {
          clearTimeout(timer);
          resolve();
        };
        if (closing?.aborted === true) ring();
      }),
    stop() {
      ring();
      stopListening?.();
      closing?.removeEventListener("abort", onAbort);
    },
  };
}

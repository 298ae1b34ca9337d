import { createWriteStream } from "node:fs";
import { truncate } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError } from "../../domain/errors.ts";
import type { Brought } from "../../ml/datasets/offers.ts";
import type { StageTools } from "../../ml/stage-tools.ts";

/** All waits and sizes of fetching are bounded; these are the bounds. */
export interface DownloadLimits {
  /** Until an answer begins. */
  answerWithinMs: number;
  /** Between two pieces of a body. */
  stallMs: number;
  wholeMs: number;
  bytes: number;
  /** Pauses before the second try, the third … */
  pausesMs: number[];
}

export const defaultDownloadLimits: DownloadLimits = {
  answerWithinMs: 30_000,
  stallMs: 60_000,
  wholeMs: 60 * 60_000,
  bytes: 50 * 2 ** 30,
  pausesMs: [500, 2_000, 8_000],
};

/** One file of another machine. `open` throws a Refusal, or anything else for what may go better the next time. */
export interface RemoteFile {
  name: string;
  open(wanted: { known: string | null; from: number; same: string | null }, signal: AbortSignal): Promise<Opened>;
}

export type Opened =
  | { unchanged: true }
  | {
      unchanged: false;
      body: AsyncIterable<Uint8Array>;
      /** Where the body begins: 0 when the server sends all again. */
      from: number;
      /** Length of the whole file, where the server tells it. */
      bytes: number | null;
      fingerprint: string | null;
      /** What names exactly these bytes, for going on in the middle; null: begin anew. */
      same: string | null;
    };

/** A server's no, which trying again does not change. */
export class Refusal extends Error {
  readonly kind: "missing" | "unreadable";
  constructor(kind: "missing" | "unreadable", message: string) {
    super(message);
    this.name = "Refusal";
    this.kind = kind;
  }
}

/** The file is no longer the one whose first part was read: begin anew. */
export class Replaced extends Error {
  constructor(name: string) {
    super(`${name} was replaced while it was read`);
    this.name = "Replaced";
  }
}

/**
 * Fetches a file whole, going on where a try broke off if the server can. Throws `source-missing`,
 * `source-unreadable`, and `transient` when the last try failed too.
 */
export async function download(
  file: RemoteFile,
  target: { path: string; known: string | null; limits: DownloadLimits },
  { signal, progress }: StageTools,
): Promise<Brought> {
  const { path, known, limits } = target;
  const whole = AbortSignal.any([signal, AbortSignal.timeout(limits.wholeMs)]);
  const state: State = { have: 0, same: null };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await attemptOnce(file, { path, known, limits, state, progress }, whole);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountersignError) throw error;
      if (error instanceof Replaced) state.same = null;
      if (error instanceof Refusal)
        throw new CountersignError(error.kind === "missing" ? "source-missing" : "source-unreadable", error.message, {
          cause: error,
        });
      const pauseMs = limits.pausesMs[attempt];
      if (pauseMs === undefined || whole.aborted) {
        const tries = `${attempt + 1} ${attempt === 0 ? "try" : "tries"}`;
        throw new CountersignError("transient", `${file.name} could not be fetched in ${tries}: ${reasonOf(error)}.`, {
          cause: error,
        });
      }
      progress(`${file.name}: ${reasonOf(error)}; trying again`);
      await sleep(pauseMs, undefined, { signal });
    }
  }
}

interface State {
  have: number;
  same: string | null;
}

async function attemptOnce(
  file: RemoteFile,
  job: { path: string; known: string | null; limits: DownloadLimits; state: State; progress: StageTools["progress"] },
  signal: AbortSignal,
): Promise<Brought> {
  const { limits, state } = job;
  const stalled = new AbortController();
  const watch = createWatch(() => stalled.abort(new Error("the server fell silent")), limits.answerWithinMs);
  const both = AbortSignal.any([signal, stalled.signal]);
  try {
    const opened = await file.open({ known: job.known, from: state.same === null ? 0 : state.have, same: state.same }, both);
    if (opened.unchanged) return { unchanged: true };
    if (opened.bytes !== null && opened.bytes > limits.bytes) throw tooLarge(file.name, limits.bytes);
    state.have = opened.from;
    state.same = opened.same;
    watch.allow(limits.stallMs);
    await writeBody(file.name, { ...job, body: opened.body, watch, signal: both });
    if (opened.bytes !== null && state.have !== opened.bytes) throw new Error(`${state.have} of ${opened.bytes} bytes came`);
    return { unchanged: false, file: job.path, fingerprint: opened.fingerprint };
  } catch (error) {
    // What an abort broke off says why it was aborted, not that it was.
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    watch.stop();
  }
}

async function writeBody(
  name: string,
  job: {
    path: string;
    limits: DownloadLimits;
    state: State;
    progress: StageTools["progress"];
    body: AsyncIterable<Uint8Array>;
    watch: ReturnType<typeof createWatch>;
    signal: AbortSignal;
  },
): Promise<void> {
  const { state, limits } = job;
  if (state.have > 0) await truncate(job.path, state.have);
  const file = createWriteStream(job.path, { flags: state.have > 0 ? "a" : "w" });
  let told = Date.now();
  try {
    for await (const chunk of job.body) {
      job.signal.throwIfAborted();
      job.watch.allow(limits.stallMs);
      if (state.have + chunk.byteLength > limits.bytes) throw tooLarge(name, limits.bytes);
      await new Promise<void>((resolve, reject) => {
        file.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      state.have += chunk.byteLength;
      if (Date.now() - told > 1_000) {
        told = Date.now();
        job.progress(`fetching ${name}: ${Math.round(state.have / 2 ** 20)} MiB`);
      }
    }
  } finally {
    await new Promise<void>((resolve) => file.end(resolve));
  }
}

function createWatch(onSilence: () => void, firstMs: number) {
  let timer = setTimeout(onSilence, firstMs);
  return {
    allow: (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(onSilence, ms);
    },
    stop: () => clearTimeout(timer),
  };
}

function tooLarge(name: string, bytes: number): CountersignError {
  return new CountersignError(
    "source-unreadable",
    `${name} is larger than ${Math.round(bytes / 2 ** 20)} MiB, the most that is fetched.`,
  );
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${text}${cause}`.replaceAll(/\s+/g, " ").slice(0, 200);
}

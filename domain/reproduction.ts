import type { Digest } from "./ids.ts";

/** What a training is made of, as a version's manifest keeps it, with the bytes that it gave. */
export interface TrainingFacts {
  onnx: Digest;
  trainer: {
    name: string;
    seed: number;
    parameters: Record<string, number | string | boolean>;
    environment: Record<string, string>;
  };
  /** Of the ONNX file; null where nobody knows it. */
  bytes: number | null;
}

/** One thing that is otherwise than in the record; null: it is not there. */
export interface TrainingDifference {
  /** `digest`, `size in bytes`, `trainer`, `seed`, `parameter x`, `environment x`, `file x`, or a place in the ONNX graph. */
  what: string;
  recorded: string | null;
  now: string | null;
}

/** What other bytes mean: a metric of both models on the same rows. */
export interface ReproductionEffect {
  /** A SearchMetric, or `largest change of a prediction`, which has no recorded value. */
  metric: string;
  recorded: number | null;
  now: number;
}

/** What two models of the same training differ in beside their bytes; made where the bytes are read. */
export interface ModelsCompared {
  /** Of the job folder's files, one by one, and of the first place at which the graphs differ. */
  differs: TrainingDifference[];
  /** On the holdout; empty where the bytes are the same, or the holdout is no longer there. */
  effects: ReproductionEffect[];
}

/** A thousand files that all differ help nobody. */
export const differencesKept = 60;

/** What a second training gave otherwise: of the digest first, then of what may be its cause, by name. */
export function trainingDifferences(recorded: TrainingFacts, now: TrainingFacts): TrainingDifference[] {
  return [
    difference("digest", recorded.onnx, now.onnx),
    difference("size in bytes", recorded.bytes, now.bytes),
    difference("trainer", recorded.trainer.name, now.trainer.name),
    difference("seed", recorded.trainer.seed, now.trainer.seed),
    ...differencesByName("parameter", recorded.trainer.parameters, now.trainer.parameters),
    ...differencesByName("environment", recorded.trainer.environment, now.trainer.environment),
  ].filter((one) => one !== null);
}

type Value = number | string | boolean;

/** Of two tables of names and values, what is in one and not the same in the other; `<kind> <name>` each. */
export function differencesByName(kind: string, recorded: Record<string, Value>, now: Record<string, Value>) {
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(now)])].toSorted();
  return names.flatMap((name) => difference(`${kind} ${name}`, recorded[name] ?? null, now[name] ?? null) ?? []);
}

function difference(what: string, recorded: Value | null, now: Value | null): TrainingDifference | null {
  if (recorded === now) return null;
  return { what, recorded: recorded === null ? null : String(recorded), now: now === null ? null : String(now) };
}

/** How a reproduction stands. `lost`: its time is over and nobody wrote what came of it. */
export const reproductionStates = ["running", "same", "other", "failed", "lost"] as const;
export type ReproductionState = (typeof reproductionStates)[number];

/** Longer than any training may take (24 h), whatever the number of tries. */
export const reproductionRunsForMs = 26 * 3_600_000;

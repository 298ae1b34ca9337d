import { z } from "zod";
import { stages, stageStates } from "../../../domain/stages.ts";

/** The members of the API's answers that the main job reads; others may be there. */
export const stageSchema = z.looseObject({
  stage: z.enum(stages),
  state: z.enum(stageStates),
  startedAt: z.string().nullish(),
  endedAt: z.string().nullish(),
  attempts: z.number().nullish(),
  summary: z.string().nullish(),
});
export type StageView = z.output<typeof stageSchema>;

export const releaseSchema = z.looseObject({
  id: z.string(),
  state: z.enum(["queued", "running", "waiting", "blocked", "ended"]),
  outcome: z.string().nullable(),
  next: z.string().nullable(),
  version: z.string().nullish(),
  stages: z.array(stageSchema),
  gates: z.array(z.looseObject({ id: z.string(), state: z.string() })),
  waitsFor: z.string().nullish(),
  links: z.looseObject({ console: z.string().nullish(), temporal: z.string().nullish() }),
});
export type ReleaseView = z.output<typeof releaseSchema>;

export const releaseListSchema = z.looseObject({
  items: z.array(z.looseObject({ id: z.string() })),
});
export const requestedSchema = z.looseObject({ release: z.string(), folded: z.boolean() });
export const appliedSchema = z.looseObject({ model: z.string(), definitionDigest: z.string() });

export const gateSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  resolution: z.string().nullish(),
  request: z.looseObject({
    digest: z.string(),
    ask: z.string().nullish(),
    why: z.string().nullish(),
  }),
  links: z.looseObject({ console: z.string().nullish() }).nullish(),
});
export type GateView = z.output<typeof gateSchema>;

export const predictionSchema = z.looseObject({
  version: z.string(),
  predictions: z.array(z.looseObject({ id: z.string(), label: z.unknown(), probability: z.number() })),
});

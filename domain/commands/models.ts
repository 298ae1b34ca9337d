import { z } from "zod";
import { brokeGlassSchema, definitionAppliedSchema, modelStateSchema, rolledBackSchema } from "../http/model-views.ts";
import { releaseRequestedSchema } from "../http/release-views.ts";
import { breakGlassRequestSchema, reasonRequestSchema, releaseRequestSchema, rollbackRequestSchema } from "../http/requests.ts";
import { defineEntry } from "./entry.ts";

const tag = "models";
const slotRefusals = [
  "not-found",
  "nothing-to-roll-back-to",
  "never-approved",
  "approval-revoked",
  "already-champion",
  "no-champion",
  "model-retired",
] as const;

export const applyDefinitionEntry = defineEntry({
  method: "put",
  path: "/api/models/{model}",
  tag,
  summary: "Register a model, or change its definition",
  description: '`If-Match: "<definition digest>"` changes only what was read; `*` only what is there.',
  scope: "define",
  role: "define",
  request: z
    .looseObject({ model: z.string() })
    .meta({ id: "Definition", description: "See docs/definition.md; `countersign check` tells every fault." }),
  isDocument: true,
  value: definitionAppliedSchema,
  answers: {
    200: "Changed, or the same.",
    201: "Registered.",
    202: "`gate` is to be passed first: a governed field was loosened; or it is not known in time.",
  },
  refusals: ["not-found", "precondition-failed", "model-retired"],
  location: ({ model }) => `/api/models/${model}`,
});

export const requestReleaseEntry = defineEntry({
  method: "post",
  path: "/api/models/{model}/releases",
  tag,
  summary: "Request a release",
  scope: "release",
  role: "release",
  request: releaseRequestSchema,
  value: releaseRequestedSchema,
  answers: { 202: "`folded`: the request went into a release that was there." },
  refusals: ["not-found", "model-paused", "model-retired"],
  location: (_, { release }) => `/api/releases/${release}`,
});

export const rollbackEntry = defineEntry({
  method: "post",
  path: "/api/models/{model}/rollback",
  tag,
  summary: "Go back to the previous champion, or to a version that was approved before",
  scope: "operate",
  role: "rollback",
  request: rollbackRequestSchema,
  value: rolledBackSchema,
  answers: { 200: "It serves." },
  refusals: slotRefusals,
});

export const breakGlassEntry = defineEntry({
  method: "post",
  path: "/api/models/{model}/break-glass",
  tag,
  summary: "Promote a version without its gates, or roll back, at once; others review it",
  description: "Needs the role `break-glass`. `review` is the gate at which others close it, within its own deadline.",
  scope: "operate",
  role: "break-glass",
  request: breakGlassRequestSchema,
  value: brokeGlassSchema,
  answers: { 200: "It serves." },
  refusals: [...slotRefusals, "digest-mismatch"],
});

/** How the model's state is changed, and what is said of it. */
function stateEntry<const Path extends string>(
  path: Path,
  words: { name: string; summary: string; description: string; done: string; waiting: string },
) {
  return defineEntry({
    method: "post",
    path,
    tag,
    summary: words.summary,
    scope: "operate",
    role: "pause",
    request: reasonRequestSchema,
    value: modelStateSchema,
    answers: { 200: "Done.", 202: "`gate` is to be passed first; or it is not known in time." },
    refusals: ["not-found", "model-retired"],
    cli: {
      name: words.name,
      description: words.description,
      reason: "why, in a few words; it is kept on record",
      done: (_, { model, gate }) =>
        gate === null
          ? `${model} ${words.done}.`
          : `${model} is ${words.waiting} once ${gate} is approved.\nNext: countersign show ${gate}`,
    },
  });
}

export const pauseEntry = stateEntry("/api/models/{model}/pause", {
  name: "pause",
  summary: "Take no more releases for a while",
  description: "stop new releases of a model; what serves goes on",
  done: "is paused: it takes no new release",
  waiting: "paused",
});

export const resumeEntry = stateEntry("/api/models/{model}/resume", {
  name: "resume",
  summary: "Take releases again",
  description: "let a paused model take releases again",
  done: "takes releases again",
  waiting: "resumed",
});

export const retireEntry = stateEntry("/api/models/{model}/retire", {
  name: "retire",
  summary: "End the model's life; permanently",
  description: "take a model out of use permanently: what serves stops, releases under way end",
  done: "is retired permanently: nothing of it serves any more",
  waiting: "retired",
});

import { unblockedSchema, withdrawnSchema } from "../http/release-views.ts";
import { reasonRequestSchema, unblockRequestSchema } from "../http/requests.ts";
import { defineEntry } from "./entry.ts";

const tag = "releases";

export const unblockEntry = defineEntry({
  method: "post",
  path: "/api/releases/{id}/unblock",
  tag,
  summary: "Say how a blocked release goes on",
  scope: "operate",
  role: "unblock",
  request: unblockRequestSchema,
  value: unblockedSchema,
  answers: { 200: "It goes on, or ends." },
  refusals: ["not-found", "not-blocked", "not-active", "skip-not-allowed"],
});

export const withdrawReleaseEntry = defineEntry({
  method: "post",
  path: "/api/releases/{id}/withdraw",
  tag,
  summary: "Take a release back",
  scope: "operate",
  role: "release",
  request: reasonRequestSchema,
  value: withdrawnSchema,
  answers: { 200: "It ends; its open gate is closed." },
  refusals: ["not-found", "not-active"],
  cli: {
    name: "withdraw",
    description: "take back a release",
    reason: "why, in a few words; it is kept on record",
    done: ({ id }) => `${id} is withdrawn.`,
  },
});

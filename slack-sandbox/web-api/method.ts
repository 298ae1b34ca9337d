import { z } from "zod";
import type { Credentials } from "../workspace/state-file.ts";
import type { Triggers } from "../delivery/triggers.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { withMessages } from "./slack-error.ts";

/** Published tiers: calls a minute of one method, for an app in a workspace. `message` is one a second and channel. */
export type Tier = 1 | 2 | 3 | 4 | "message" | "special";

/** What every method may use. */
export interface Api {
  workspace: Workspace;
  credentials: Credentials;
  triggers: Triggers;
  /** The sandbox's own address. */
  url: string;
  /** A one-time address for a Socket Mode connection. */
  newSocketUrl(): string;
  /** What the app did that Slack takes in silence and that is a mistake all the same. */
  complain(sentence: string): void;
}

interface Definition<Args> {
  tier: Tier;
  /** All of these the token must have; those that depend on the channel are asked for by the method. */
  scopes: string[];
  token?: "bot" | "app";
  args: z.ZodType<Args>;
  run(api: Api, args: Args): Record<string, unknown> | Promise<Record<string, unknown>>;
}

export interface Method {
  tier: Tier;
  scopes: string[];
  token: "bot" | "app";
  /** Names that the method knows; Slack passes over others in silence. */
  known: string[];
  run(api: Api, args: Record<string, unknown>): Promise<Record<string, unknown>>;
}

export function defineMethod<Args>(definition: Definition<Args>): Method {
  const { args: schema } = definition;
  return {
    tier: definition.tier,
    scopes: definition.scopes,
    token: definition.token ?? "bot",
    known: schema instanceof z.ZodObject ? Object.keys(schema.shape) : [],
    async run(api, given) {
      const parsed = schema.safeParse(given, { reportInput: true });
      if (!parsed.success) {
        const faults = parsed.error.issues.map((issue) =>
          issue.input === undefined
            ? `missing required field: ${issue.path.join("/")}`
            : `${issue.message} [json-pointer:/${issue.path.join("/")}]`,
        );
        throw withMessages("invalid_arguments", faults);
      }
      return definition.run(api, parsed.data);
    },
  };
}

/** A truth value as forms and JSON send it. */
export const flag = z
  .union([z.boolean(), z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1")])
  .optional();

export const count = (fallback: number, max: number) => z.coerce.number().int().min(1).max(max).default(fallback);

/** A structure: as itself in JSON, as JSON in a text of a form; what is neither stays as it came. */
export const structure = z.unknown().transform((value): unknown => {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
});

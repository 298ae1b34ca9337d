import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { rolePermissions, Scope } from "../principal.ts";

/** The names between braces in a path: `model` and `id` of `/api/models/{model}/findings/{id}/close`. */
export type ParameterOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterOf<Rest>
  : never;

/**
 * One kind of command as every surface knows it. The API's route and its description, the check of
 * scope, role and body, the types of what is asked and answered, and the plain commands of the
 * command line derive from it; what it does stands in `control/commands/` under the same kind.
 */
export interface CommandEntry<
  Path extends string = string,
  Request extends z.ZodType = z.ZodType,
  Value extends z.ZodType = z.ZodType,
> {
  method: "post" | "put";
  /** Where the API takes it; the names in braces are what it is about. */
  path: Path;
  tag: "models" | "releases" | "gates" | "versions" | "policies";
  summary: string;
  description?: string;
  /** What a token must be for. */
  scope: Scope;
  /** What the role must allow; null where who may follows from what it is about. */
  role: keyof typeof rolePermissions | null;
  request: Request;
  /** True for a definition or a policy: the body is YAML or JSON, read as text, and takes If-Match. */
  isDocument?: boolean;
  value: Value;
  /** What each status says. 202 also stands for "not known in time", which every command may answer. */
  answers: Partial<Record<200 | 201 | 202, string>>;
  refusals: readonly ErrorCode[];
  /** Where to look after it was done. */
  location?(about: Record<ParameterOf<Path>, string>, value: z.output<Value>): string;
  /** Of a command that takes a reason and nothing else: how the command line offers it. */
  cli?: {
    name: string;
    description: string;
    /** What `--reason` is for. */
    reason: string;
    /** A sentence once it is done. */
    done(about: Record<ParameterOf<Path>, string>, value: z.output<Value>): string;
  };
}

/** Keeps the literal path and the schemas in the type. */
export function defineEntry<const Path extends string, Request extends z.ZodType, Value extends z.ZodType>(
  entry: CommandEntry<Path, Request, Value>,
): CommandEntry<Path, Request, Value> {
  return entry;
}

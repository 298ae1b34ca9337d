import type { z } from "zod";

/** The faults that zod found, in the words of Slack's API: `must be less than 76 characters [json-pointer:/blocks/0/text/text]`. */
export function slackWords(error: z.ZodError, root: string): string[] {
  return error.issues.flatMap((issue) => sentences(issue, root));
}

function sentences(issue: z.core.$ZodIssue, root: string): string[] {
  const pointer = [root, ...issue.path.map(String)].join("/");
  const told = (text: string, where = pointer) => `${text} [json-pointer:${where}]`;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => told(`invalid additional property: ${key}`));
    case "too_big":
      return [told(tooMuch(issue.origin, Number(issue.maximum)))];
    case "too_small":
      return [told(tooLittle(issue.origin, Number(issue.minimum)))];
    case "invalid_type":
      return issue.input === undefined && issue.path.length > 0
        ? [told(`missing required field: ${String(issue.path.at(-1))}`, pointer.slice(0, pointer.lastIndexOf("/")))]
        : [told(`must provide ${article(issue.expected)}`)];
    case "invalid_union":
      // Of a kind that no schema has, and else of what each alternative misses.
      return issue.errors.length === 0 ? [told("unsupported type")] : [told("failed to match all allowed schemas")];
    case "invalid_value":
      return [told(`must be one of: ${issue.values.map(String).join(", ")}`)];
    case "invalid_format":
      return [told(issue.format === "url" ? "must be a valid URL" : issue.message)];
    default:
      return [told(issue.message)];
  }
}

function tooMuch(origin: string, maximum: number): string {
  if (origin === "string") return `must be less than ${maximum + 1} characters`;
  if (origin === "array") return `no more than ${maximum} items allowed`;
  return `must not be more than ${maximum}`;
}

function tooLittle(origin: string, minimum: number): string {
  if (origin === "string") return `must be more than ${minimum - 1} characters`;
  if (origin === "array") return `no fewer than ${minimum} items allowed`;
  return `must not be less than ${minimum}`;
}

function article(expected: string): string {
  return expected === "array" || expected === "object" ? `an ${expected}` : `a ${expected}`;
}

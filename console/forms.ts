import type { Context } from "hono";
import { CountersignError } from "../domain/errors.ts";
import type { ConsoleEnv } from "./deps.ts";
import { sameText } from "./security.ts";

/** The text fields of a form; files and repeated names are not expected, and left out. */
export type Fields = Record<string, string>;

/** Reads a form of this session's pages. Throws `forbidden` without its proof. */
export async function readForm(context: Context<ConsoleEnv>): Promise<Fields> {
  const fields = await readFields(context);
  if (!sameText(fields["csrf"] ?? "", context.get("csrf")))
    throw new CountersignError("forbidden", "This form belongs to another session. Load the page again and send it from there.");
  return fields;
}

export async function readFields(context: Context<ConsoleEnv>): Promise<Fields> {
  const type = context.req.header("content-type") ?? "";
  if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type))
    throw new CountersignError("unsupported-type", "The console takes forms; programs use the API.");
  const form = await context.req.parseBody();
  return Object.fromEntries(
    Object.entries(form).flatMap(([name, value]) => (typeof value === "string" ? [[name, value.replaceAll("\r\n", "\n")]] : [])),
  );
}

/** The field's text, or undefined where nothing was entered. */
export function filled(fields: Fields, name: string): string | undefined {
  const text = fields[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}

/** The `p.` fields as release parameters, unchecked: control tells what is wrong with them. */
export function parametersIn(fields: Fields): Record<string, unknown> {
  const limits = withoutNothing({
    memoryMb: scalarIn(fields, "p.limits.memoryMb"),
    minutes: scalarIn(fields, "p.limits.minutes"),
  });
  const train = trainerParameters(filled(fields, "p.train") ?? "");
  return withoutNothing({
    until: filled(fields, "p.until"),
    months: scalarIn(fields, "p.months"),
    seed: scalarIn(fields, "p.seed"),
    train: Object.keys(train).length === 0 ? undefined : train,
    limits: Object.keys(limits).length === 0 ? undefined : limits,
  });
}

/** `l2 = 3, maxCategories = 50` */
function trainerParameters(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text
      .split(/[,;\n]/)
      .filter((part) => part.trim() !== "")
      .map((part) => {
        const [name = "", ...rest] = part.split("=");
        return [name.trim(), scalar(rest.join("=").trim())];
      }),
  );
}

function scalarIn(fields: Fields, name: string): unknown {
  const text = filled(fields, name);
  return text === undefined ? undefined : scalar(text);
}

function scalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function withoutNothing(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}

import { z } from "zod";
import { instantOf, spellings } from "./value-spellings.ts";

export const logicalTypes = ["string", "integer", "number", "boolean", "date", "timestamp", "time", "array", "object"] as const;
export type LogicalType = (typeof logicalTypes)[number];

const limit = z.union([z.number(), z.string()]);
const size = z.int().min(0);

export const typeOptions = z.strictObject({
  minLength: size.optional(),
  maxLength: size.optional(),
  pattern: z.string().optional().describe("a regular expression that the whole value or a part of it matches"),
  format: z.string().optional().describe("of text (email, uuid …), of dates (dd.MM.yyyy), of integers (i32, u8 …)"),
  minimum: limit.optional(),
  maximum: limit.optional(),
  exclusiveMinimum: limit.optional(),
  exclusiveMaximum: limit.optional(),
  multipleOf: z.number().positive().optional(),
  timezone: z
    .boolean()
    .optional()
    .describe("true: every timestamp has its offset; false: none has one; left out: one without an offset is UTC"),
  defaultTimezone: z.enum(["Etc/UTC", "UTC"]).optional().describe("times are read as UTC"),
  minItems: size.optional(),
  maxItems: size.optional(),
  uniqueItems: z.boolean().optional(),
  minProperties: size.optional(),
  maxProperties: size.optional(),
  required: z.array(z.string()).min(1).optional(),
});
export type TypeOptions = z.output<typeof typeOptions>;

const bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
const fits: Record<LogicalType, readonly string[]> = {
  string: ["minLength", "maxLength", "pattern", "format"],
  integer: [...bounds, "multipleOf", "format"],
  number: [...bounds, "multipleOf", "format"],
  boolean: [],
  date: [...bounds, "format"],
  timestamp: [...bounds, "format", "timezone", "defaultTimezone"],
  time: [...bounds, "format", "timezone", "defaultTimezone"],
  array: ["minItems", "maxItems", "uniqueItems"],
  object: ["minProperties", "maxProperties", "required"],
};

/** Bits of the integer formats of ODCS (those of Rust); 128 bits hold whatever can be read here. */
export const integerFormat = /^([iu])(8|16|32|64|128)$/;
/** Formats of text that are looked at; the others of ODCS say how text is meant, not what it is. */
export const textFormats = ["email", "uuid", "uri", "hostname", "ipv4", "ipv6"] as const;
const spokenFormats = ["password", "byte", "binary"];

/** What is wrong with the options of a column of this type: name of the option and a message. */
export function optionFaults(type: LogicalType | undefined, options: TypeOptions): { option: string; message: string }[] {
  return Object.entries(options).flatMap(([option, given]) => {
    if (given === undefined) return [];
    const refuse = (message: string) => [{ option, message }];
    const types = Object.entries(fits).flatMap(([name, known]) => (known.includes(option) ? [name] : []));
    if (type === undefined || !fits[type].includes(option)) return refuse(`is for logicalType ${types.join(", ")}`);
    const numeric = type === "integer" || type === "number";
    if (bounds.includes(option) && numeric !== (typeof given === "number"))
      return refuse(`must be a ${numeric ? "number" : "date as text"}`);
    if (bounds.includes(option) && !numeric) return isTime(type, String(given)) ? [] : refuse(timeWanted(type));
    if (option === "timezone") return zoneFaults(type, options).flatMap(refuse);
    return option === "format" ? formatFaults(type, String(given)).flatMap(refuse) : [];
  });
}

const wholeTime = new RegExp(`^${spellings.time}$`);

function isTime(type: LogicalType, text: string): boolean {
  return type === "time" ? wholeTime.test(text) : instantOf(text) !== null;
}

function timeWanted(type: LogicalType): string {
  return type === "time" ? "must be a time such as 09:30" : "must be a time such as 2024-01-31 or 2024-01-31T06:00:00Z";
}

/** An offset is a promise that can only be kept where it is written down. */
function zoneFaults(type: LogicalType, { timezone, format }: TypeOptions): string[] {
  if (type === "time")
    return timezone === true
      ? ["cannot be true: a time of day has no offset without its day; describe the moment as a timestamp"]
      : [];
  if (format === undefined) return [];
  const written = /[XZ]/.test(format.replaceAll(/'[^']*'/g, ""));
  if (timezone === true && !written) return ["is true, but `format` has no offset (the letters X or Z)"];
  return timezone === false && written ? ["is false, but `format` has an offset"] : [];
}

function formatFaults(type: LogicalType, format: string): string[] {
  if (type === "string")
    return [...textFormats, ...spokenFormats].includes(format) ? [] : [`must be one of ${textFormats.join(", ")}`];
  if (type === "integer") return integerFormat.test(format) ? [] : ["must be i8 to i128 or u8 to u128"];
  if (type === "number") return ["f32", "f64"].includes(format) ? [] : ["must be f32 or f64"];
  return [];
}

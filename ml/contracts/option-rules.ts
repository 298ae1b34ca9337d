import { integerFormat, textFormats, type TypeOptions } from "../../domain/contract-options.ts";
import type { ContractColumn } from "../../domain/contract-schema.ts";
import { plainTime } from "../../domain/value-spellings.ts";
import { dateFormat } from "../datasets/date-formats.ts";
import { quoteText } from "../duckdb.ts";
import type { Probe } from "./rule.ts";

/** A test of an option: SQL that is true for rows that fail, and how to tell it. */
export interface OptionTest {
  rule: string;
  failing: string;
  breach: string;
}

/** Shapes of text, close to their RFCs: what they let through is of that kind, what they refuse is not. */
const shapes: Record<(typeof textFormats)[number], string> = {
  email: String.raw`^[^@\s]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$`,
  uuid: "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
  uri: String.raw`^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$`,
  hostname: String.raw`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`,
  ipv4: String.raw`^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$`,
  ipv6: "^(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}$",
};

/** The tests of a column's options; `value` is SQL of the typed value. */
export function optionTests(property: ContractColumn, value: string, isJson: boolean): OptionTest[] {
  const type = property.logicalType;
  return Object.entries(property.logicalTypeOptions).flatMap(([option, limit]) => {
    if (limit === undefined || ["timezone", "defaultTimezone"].includes(option)) return [];
    // The keys of the parsed options are those of the schema, which Object.entries forgets.
    const name = option as keyof TypeOptions;
    if (name === "format") return formatTest(type, String(limit), value);
    if (type === "array" || type === "object") return collectionTest(name, limit, { value, isJson });
    return [{ rule: `${option} ${String(limit)}`, ...plainTest(name, limit, { value, type }) }];
  });
}

function plainTest(
  option: keyof TypeOptions,
  limit: unknown,
  { value, type }: { value: string; type: ContractColumn["logicalType"] },
): Omit<OptionTest, "rule"> {
  const text = String(limit);
  const sqlType = type === "time" ? "TIME" : "TIMESTAMP";
  // The contract's schema lets through what `plainTime` reads, and nothing else.
  const literal = typeof limit === "string" ? `CAST(${quoteText(plainTime(text) ?? text)} AS ${sqlType})` : text;
  switch (option) {
    case "minLength":
      return { failing: `length(${value}) < ${text}`, breach: `are shorter than ${text}` };
    case "maxLength":
      return { failing: `length(${value}) > ${text}`, breach: `are longer than ${text}` };
    case "pattern":
      return { failing: `NOT regexp_matches(${value}, ${quoteText(text)})`, breach: `do not match ${text}` };
    case "minimum":
      return { failing: `${value} < ${literal}`, breach: `are below ${text}` };
    case "exclusiveMinimum":
      return { failing: `${value} <= ${literal}`, breach: `are not above ${text}` };
    case "maximum":
      return { failing: `${value} > ${literal}`, breach: `are above ${text}` };
    case "exclusiveMaximum":
      return { failing: `${value} >= ${literal}`, breach: `are not below ${text}` };
    default:
      return { failing: `${value} % ${literal} <> 0`, breach: `are no multiple of ${text}` };
  }
}

function formatTest(type: ContractColumn["logicalType"], format: string, value: string): OptionTest[] {
  const rule = `format ${format}`;
  const shape = textFormats.find((one) => one === format);
  if (type === "string" && shape !== undefined)
    return [{ rule, failing: `NOT regexp_matches(${value}, ${quoteText(shapes[shape])})`, breach: `are no ${format}` }];
  const [, sign, bits] = type === "integer" ? (integerFormat.exec(format) ?? []) : [];
  // 64 bits and more hold whatever was read as a whole number; only the sign is left to look at.
  if (bits === undefined) return [];
  const power = Number(bits) - (sign === "i" ? 1 : 0);
  const least = sign === "i" ? -(2n ** BigInt(power)) : 0n;
  const most = 2n ** BigInt(power) - 1n;
  const failing = power > 62 ? (sign === "u" ? `${value} < 0` : null) : `${value} < ${least} OR ${value} > ${most}`;
  return failing === null ? [] : [{ rule, failing, breach: `do not fit ${format}` }];
}

/** `value` of a text file is JSON; of Parquet a list, a struct or a map, which JSON can say too. */
function collectionTest(option: keyof TypeOptions, limit: unknown, input: { value: string; isJson: boolean }): OptionTest[] {
  const json = input.isJson ? `CAST(${input.value} AS JSON)` : `to_json(${input.value})`;
  const size = ["minItems", "maxItems"].includes(option) ? `json_array_length(${json})` : `len(json_keys(${json}))`;
  const rule = `${option} ${Array.isArray(limit) ? limit.join(", ") : String(limit)}`;
  switch (option) {
    case "minItems":
    case "minProperties":
      return [{ rule, failing: `${size} < ${Number(limit)}`, breach: `have fewer than ${Number(limit)} entries` }];
    case "maxItems":
    case "maxProperties":
      return [{ rule, failing: `${size} > ${Number(limit)}`, breach: `have more than ${Number(limit)} entries` }];
    case "uniqueItems":
      return limit === true
        ? [
            {
              rule,
              failing: `len(list_distinct(json_extract(${json}, '$[*]'))) < json_array_length(${json})`,
              breach: "hold an entry twice",
            },
          ]
        : [];
    default: {
      const names = (Array.isArray(limit) ? limit : []).map((name) => quoteText(String(name)));
      return [
        {
          rule,
          failing: `NOT list_has_all(json_keys(${json}), [${names.join(", ")}])`,
          breach: "lack a property that is required",
        },
      ];
    }
  }
}

/** Patterns and formats that must be readable before they are used; bounds are read by the contract's schema. */
export function optionProbes(property: ContractColumn, at: string): Probe[] {
  const dated = ["date", "timestamp", "time"].includes(property.logicalType ?? "");
  const probes: Probe[] = [];
  for (const [option, limit] of Object.entries(property.logicalTypeOptions)) {
    const path = `${at}.logicalTypeOptions.${option}`;
    if (typeof limit !== "string" || option === "defaultTimezone") continue;
    if (option === "pattern") probes.push({ path, sql: `SELECT regexp_matches('', ${quoteText(limit)})` });
    if (option === "format" && dated) {
      const format = dateFormat(limit);
      probes.push({
        path,
        sql:
          format === null
            ? `SELECT error(${quoteText(`${limit} has a letter that cannot be read here`)})`
            : `SELECT try_strptime('', ${quoteText(format.strptime)})`,
      });
    }
  }
  return probes;
}

import { type LogicalType, logicalTypes } from "./contract-options.ts";
import { fault, sourcesPath } from "./definition-rule.ts";
import { type ColumnType, columnTypes } from "./definition-schema.ts";
import type { Path } from "./definition-text.ts";
import { isRecord, recordAt, textAt, valueAt } from "./loose-value.ts";
import type { Finding } from "./schema-faults.ts";

/**
 * Which type of the contract can be which type of a request: only where a request with the same value brings the same
 * value. An integer as text has lost its leading zeros; a number as an integer loses its fraction.
 */
const fitting: Record<ColumnType, readonly LogicalType[]> = {
  string: ["string"],
  integer: ["integer"],
  number: ["number", "integer"],
  boolean: ["boolean"],
  timestamp: ["timestamp", "date"],
};

export function fitsRequest(contract: LogicalType, request: ColumnType): boolean {
  return fitting[request].includes(contract);
}

const losses: Partial<Record<`${LogicalType} ${ColumnType}`, string>> = {
  "integer string": "a column of integers keeps no leading zeros, so that 01234 would be trained as 1234",
  "number integer": "an integer has no fraction, so that 25.3 would be trained as 25 and refused in a request",
};

/** Where the types of the contract, of the request and of lookups do not fit together; they read the contract leniently. */
export function typeFindings(contract: unknown, definition: unknown): Finding[] {
  const rows = textAt(definition, ["data", "rows"]) ?? "";
  const request = recordAt(definition, ["features", "request"]);
  const ofRows = Object.entries(request).flatMap(([name, wanted]) => {
    const type = logicalTypeIn(contract, rows, name);
    if (type === null || !isColumnType(wanted) || fitsRequest(type, wanted)) return [];
    const loss = losses[`${type} ${wanted}`];
    const message = `is \`${wanted}\`, and ${name} is ${type} in the contract${loss === undefined ? "" : `: ${loss}`}. ${cure(type)}`;
    return [fault(["features", "request", name], message)];
  });
  return [...ofRows, ...timeFindings(contract, definition), ...keyFindings(contract, definition, request)];
}

function cure(type: LogicalType): string {
  const fits = columnTypes.filter((one) => fitsRequest(type, one));
  if (fits.length === 0) return "Describe it as string in the contract, or leave it out of the request";
  return `Write \`${fits.join("` or `")}\` here, or correct its logicalType in the contract`;
}

/** `time` of a source, and of a lookup that changes with time. */
function timeFindings(contract: unknown, definition: unknown): Finding[] {
  const ofSources = Object.keys(recordAt(definition, sourcesPath)).map((name) => [name, [...sourcesPath, name, "time"]] as const);
  const asOf = ["features", "asOf"];
  const ofLookups = Object.keys(recordAt(definition, asOf)).map((name) => [name, [...asOf, name, "time"]] as const);
  return [...ofSources, ...ofLookups].flatMap(([source, path]): Finding[] => {
    const column = textAt(definition, path);
    const type = column === null ? null : logicalTypeIn(contract, source, column);
    if (type === null || type === "timestamp" || type === "date") return [];
    return [fault(path, `names \`${column ?? ""}\`, which is ${type} in the contract, and must be a timestamp or a date`)];
  });
}

/** Keys of different types are made equal by a conversion in SQL: '01234' and 1234 would be one. */
function keyFindings(contract: unknown, definition: unknown, request: Record<string, unknown>): Finding[] {
  const asOf: Path = ["features", "asOf"];
  return Object.entries(recordAt(definition, asOf)).flatMap(([lookup, join]) =>
    Object.entries(recordAt(join, ["key"])).flatMap(([column, asked]): Finding[] => {
      const type = logicalTypeIn(contract, lookup, column);
      const wanted = typeof asked === "string" && Object.hasOwn(request, asked) ? request[asked] : null;
      if (type === null || !isColumnType(wanted) || keysAgree(type, wanted)) return [];
      const message = `compares \`${column}\`, which is ${type} in the contract, with \`${String(asked)}\`, which is ${wanted} in the request`;
      return [fault([...asOf, lookup, "key", column], message)];
    }),
  );
}

/** Numbers are compared as numbers, whole or not. */
export function keysAgree(column: LogicalType, request: ColumnType): boolean {
  return fitsRequest(column, request) || (column === "number" && request === "integer");
}

function isColumnType(value: unknown): value is ColumnType {
  return columnTypes.some((type) => type === value);
}

function logicalTypeIn(contract: unknown, source: string, column: string): LogicalType | null {
  const tables = valueAt(contract, ["schema"]);
  const table: unknown = Array.isArray(tables) ? tables.find((one: unknown) => textAt(one, ["name"]) === source) : undefined;
  const properties = isRecord(table) ? table["properties"] : undefined;
  const found: unknown = Array.isArray(properties)
    ? properties.find((one: unknown) => (textAt(one, ["physicalName"]) ?? textAt(one, ["name"])) === column)
    : undefined;
  const type = textAt(found, ["logicalType"]);
  return logicalTypes.find((one) => one === type) ?? null;
}

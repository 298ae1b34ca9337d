import type { ContractColumn, ContractTable, QualityRule } from "../../domain/contract-schema.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import { type TypedColumn, typedColumn } from "../datasets/column-types.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import { columnMetric, expectationOf, filledQuery } from "./quality-rules.ts";

/** One thing that a contract promises, in a form that a query can count. */
export interface Rule {
  /** Where it stands: `contract.schema[0].properties[3].required`. */
  path: string;
  rule: string;
  column: string | null;
  severity: "error" | "warning";
  measure: Measure;
  /** Whether the count (or the query's value) is within what was promised. */
  accepts(value: number, rows: number): boolean;
  /** After "3 of 1,000 rows", or after "the query gave 3". */
  breach: string;
}

export type Measure =
  /** Rows for which `failing` is true; `shown` is the value of a sample. */
  | { kind: "rows"; failing: string; shown: string }
  /** Rows beyond the first with the same values. */
  | { kind: "duplicates"; columns: string[]; shown: string }
  | { kind: "row-count" }
  | { kind: "query"; sql: string }
  /** Known without looking at rows. */
  | { kind: "known"; failing: boolean };

/** An expression of the contract that DuckDB must be able to read: a pattern, a date. */
export interface Probe {
  path: string;
  sql: string;
}

const none = (value: number) => value === 0;

/** The rules of one table of the contract, and the expressions to be tried before they run. */
export function rulesOf(table: ContractTable, manifest: SourceManifest, path: string): { rules: Rule[]; probes: Probe[] } {
  const rules: Rule[] = [];
  const probes: Probe[] = [];
  const columns = new Map(manifest.columns.map((column) => [column.name, column]));
  const typed = new Map<string, TypedColumn>();
  const keys = table.properties
    .filter((property) => property.primaryKey)
    .toSorted((a, b) => (a.primaryKeyPosition ?? 0) - (b.primaryKeyPosition ?? 0));
  for (const [index, property] of table.properties.entries()) {
    const at = `${path}.properties[${index}]`;
    const name = property.physicalName ?? property.name;
    const column = columns.get(name);
    rules.push({
      ...base(at, name, "present"),
      measure: { kind: "known", failing: column === undefined },
      breach: "is not in the files",
    });
    if (column === undefined) continue;
    const value = typedColumn(column, property.logicalType, manifest.format);
    typed.set(property.name, value);
    rules.push(
      ...columnRules({
        property,
        name,
        at,
        value,
        raw: quoteName(name),
        manifest,
        soleKey: keys.length === 1 && keys[0] === property,
        table: table.name,
      }),
    );
    probes.push(...probesOf(property, at));
  }
  if (keys.length > 1)
    rules.push(
      ...duplicates(
        keys.map((key) => key.name),
        typed,
        { ...base(path, null, "primary key"), breach: "repeat a primary key" },
      ),
    );
  for (const [index, rule] of table.quality.entries())
    rules.push(...tableRules(rule, `${path}.quality[${index}]`, { table, typed }));
  return { rules, probes };
}

function base(
  path: string,
  column: string | null,
  rule: string,
): Pick<Rule, "path" | "column" | "rule" | "severity" | "accepts"> {
  return {
    path: column === null || rule === "present" ? path : `${path}.${rule.split(" ")[0] ?? ""}`,
    column,
    rule,
    severity: "error",
    accepts: none,
  };
}

interface ColumnContext {
  property: ContractColumn;
  name: string;
  at: string;
  value: TypedColumn;
  /** The cell as it stands in the file. */
  raw: string;
  manifest: SourceManifest;
  /** The one column that is the primary key; parts of a longer key may repeat. */
  soleKey: boolean;
  table: string;
}

function columnRules({ property, name, at, value, raw, manifest, soleKey, table }: ColumnContext): Rule[] {
  const rules: Rule[] = [];
  const rows = (rule: string, failing: string, breach: string) =>
    rules.push({ ...base(at, name, rule), measure: { kind: "rows", failing, shown: raw }, breach });
  if (property.logicalType !== undefined) {
    const rule = {
      ...base(at, name, `logicalType ${property.logicalType}`),
      breach: `are no ${property.logicalType}`,
    };
    if (value.mismatch !== null)
      return [
        {
          ...rule,
          measure: { kind: "known", failing: true },
          breach: `${value.mismatch}, but ${property.logicalType} in the contract`,
        },
      ];
    rules.push({
      ...rule,
      measure: value.wrong === null ? { kind: "known", failing: false } : { kind: "rows", failing: value.wrong, shown: raw },
    });
  }
  if (property.required || property.primaryKey) rows("required", `${raw} IS NULL`, "are null");
  if (property.unique || soleKey) {
    const measure: Measure = { kind: "duplicates", columns: [value.value], shown: raw };
    rules.push({
      ...base(at, name, property.unique ? "unique" : "primaryKey"),
      measure,
      breach: "repeat a value",
    });
  }
  for (const [option, limit] of Object.entries(property.logicalTypeOptions)) {
    if (limit === undefined) continue;
    const test = optionTest(option, limit, property.logicalType === "date" || property.logicalType === "timestamp");
    rows(`${option} ${limit}`, test.failing(`(${value.value})`), test.breach);
  }
  for (const [index, rule] of property.quality.entries())
    rules.push(
      ...columnMetric(rule, {
        path: `${at}.quality[${index}]`,
        table,
        column: name,
        value: value.value,
        raw,
        numeric: numeric(property),
        csv: manifest.format === "csv",
      }),
    );
  return rules;
}

function numeric(property: ContractColumn): boolean {
  return property.logicalType === "integer" || property.logicalType === "number";
}

function optionTest(option: string, limit: string | number, time: boolean): { failing(value: string): string; breach: string } {
  const literal = time ? `CAST(${quoteText(String(limit))} AS TIMESTAMP)` : String(limit);
  switch (option) {
    case "minLength":
      return {
        failing: (value) => `length(${value}) < ${limit}`,
        breach: `are shorter than ${limit}`,
      };
    case "maxLength":
      return {
        failing: (value) => `length(${value}) > ${limit}`,
        breach: `are longer than ${limit}`,
      };
    case "pattern":
      return {
        failing: (value) => `NOT regexp_matches(${value}, ${quoteText(String(limit))})`,
        breach: `do not match ${limit}`,
      };
    case "minimum":
      return { failing: (value) => `${value} < ${literal}`, breach: `are below ${limit}` };
    case "exclusiveMinimum":
      return { failing: (value) => `${value} <= ${literal}`, breach: `are not above ${limit}` };
    case "maximum":
      return { failing: (value) => `${value} > ${literal}`, breach: `are above ${limit}` };
    case "exclusiveMaximum":
      return { failing: (value) => `${value} >= ${literal}`, breach: `are not below ${limit}` };
    default:
      return {
        failing: (value) => `${value} % ${literal} <> 0`,
        breach: `are no multiple of ${limit}`,
      };
  }
}

function probesOf(property: ContractColumn, at: string): Probe[] {
  const probes: Probe[] = [];
  for (const [option, limit] of Object.entries(property.logicalTypeOptions)) {
    if (typeof limit !== "string") continue;
    const sql = option === "pattern" ? `regexp_matches('', ${quoteText(limit)})` : `CAST(${quoteText(limit)} AS TIMESTAMP)`;
    probes.push({ path: `${at}.logicalTypeOptions.${option}`, sql: `SELECT ${sql}` });
  }
  for (const [index, rule] of property.quality.entries())
    if (rule.type === "library" && rule.arguments.pattern !== undefined)
      probes.push({
        path: `${at}.quality[${index}].arguments.pattern`,
        sql: `SELECT regexp_matches('', ${quoteText(rule.arguments.pattern)})`,
      });
  return probes;
}

function tableRules(
  rule: QualityRule,
  path: string,
  { table, typed }: { table: ContractTable; typed: Map<string, TypedColumn> },
): Rule[] {
  if (rule.type === "text") return [];
  const { accepts, words } = expectationOf(rule);
  const common = { path, column: null, severity: rule.severity, accepts };
  if (rule.type === "sql") {
    const sql = filledQuery(rule.query, table.name, null);
    return [{ ...common, rule: rule.name ?? "sql", measure: { kind: "query", sql }, breach: words }];
  }
  if (rule.metric === "rowCount")
    return [{ ...common, rule: `rowCount ${words}`, measure: { kind: "row-count" }, breach: words }];
  const columns = rule.arguments.properties ?? [];
  return duplicates(columns, typed, {
    ...common,
    rule: `duplicateValues of ${columns.join(", ")} ${words}`,
    breach: `repeat ${columns.join(", ")}; the number ${words}`,
  });
}

function duplicates(names: string[], typed: Map<string, TypedColumn>, rule: Omit<Rule, "measure">): Rule[] {
  const columns: string[] = [];
  for (const name of names) {
    const column = typed.get(name);
    // A column that is not there has its own failing rule.
    if (column !== undefined) columns.push(column.value);
  }
  if (columns.length < names.length)
    return [
      {
        ...rule,
        measure: { kind: "known", failing: true },
        breach: `cannot be counted: not all of ${names.join(", ")} are described and there`,
      },
    ];
  return [
    {
      ...rule,
      measure: { kind: "duplicates", columns, shown: `concat_ws(', ', ${columns.join(", ")})` },
    },
  ];
}

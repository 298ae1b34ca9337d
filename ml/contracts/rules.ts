import {
  checkedServiceLevels,
  type ContractColumn,
  type ContractTable,
  type DataContract,
  hoursOf,
} from "../../domain/contract-schema.ts";
import type { QualityRule } from "../../domain/contract-schema.ts";
import type { TypedColumn } from "../datasets/column-types.ts";
import type { TypedSource } from "../datasets/typed-source.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import { optionProbes, optionTests } from "./option-rules.ts";
import { columnMetric, expectationOf, filledQuery } from "./quality-rules.ts";
import { referenceRules } from "./reference-rules.ts";
import { type Measure, none, type Probe, type Rule } from "./rule.ts";

/** What is known of a table's columns while its rules are made: by the contract's name for them. */
export interface TableColumns {
  table: ContractTable;
  source: TypedSource;
  typed: Map<string, TypedColumn & { file: string }>;
}

/** The rules of one table of the contract, and the expressions to be tried before they run. */
export function rulesOf(
  table: ContractTable,
  source: TypedSource,
  { path, contract }: { path: string; contract: DataContract },
): { rules: Rule[]; probes: Probe[] } {
  const rules: Rule[] = [];
  const probes: Probe[] = [];
  const columns = new Map(source.columns.map((column) => [column.name, column]));
  const known: TableColumns = { table, source, typed: new Map() };
  const keys = table.properties
    .filter((property) => property.primaryKey)
    .toSorted((a, b) => (a.primaryKeyPosition ?? 0) - (b.primaryKeyPosition ?? 0));
  for (const [index, property] of table.properties.entries()) {
    const at = `${path}.properties[${index}]`;
    const name = property.physicalName ?? property.name;
    const value = columns.get(name);
    rules.push({
      ...base(at, name, "present"),
      measure: { kind: "known", failing: value === undefined },
      breach: "is not in the files",
    });
    if (value === undefined) continue;
    known.typed.set(property.name, { ...value, file: name });
    rules.push(...columnRules({ property, name, at, value, source, soleKey: keys.length === 1 && keys[0] === property }));
    probes.push(...optionProbes(property, at), ...patternProbes(property, at));
  }
  if (keys.length > 1)
    rules.push(
      ...duplicates(
        keys.map((key) => key.name),
        known,
        { ...base(path, null, "primary key"), breach: "repeat a primary key" },
      ),
    );
  for (const [index, rule] of table.quality.entries()) rules.push(...tableRules(rule, `${path}.quality[${index}]`, known));
  rules.push(...referenceRules(known, path), ...ageRules(contract, known));
  return { rules, probes };
}

function base(path: string, column: string | null, rule: string): Omit<Rule, "measure" | "breach"> {
  return {
    path: column === null || rule === "present" ? path : `${path}.${rule.split(" ")[0] ?? ""}`,
    column,
    rule,
    severity: "error",
    shows: column === null ? [] : [column],
    accepts: none,
  };
}

interface ColumnContext {
  property: ContractColumn;
  name: string;
  at: string;
  value: TypedColumn;
  source: TypedSource;
  /** The one column that is the primary key; parts of a longer key may repeat. */
  soleKey: boolean;
}

function columnRules({ property, name, at, value, source, soleKey }: ColumnContext): Rule[] {
  const rules: Rule[] = [];
  // The cell as it stands in the file.
  const raw = quoteName(name);
  const isText = source.manifest.format !== "parquet";
  const rows = (rule: string, failing: string, breach: string) =>
    rules.push({ ...base(at, name, rule), measure: { kind: "rows", failing, shown: raw }, breach });
  if (property.logicalType !== undefined) {
    const rule = { ...base(at, name, `logicalType ${property.logicalType}`), breach: `are no ${property.logicalType}` };
    if (value.mismatch !== null)
      return [
        {
          ...rule,
          measure: { kind: "known", failing: true },
          breach: `${value.mismatch}, but ${property.logicalType} in the contract`,
        },
      ];
    const measure: Measure =
      value.wrong === null ? { kind: "known", failing: false } : { kind: "rows", failing: value.wrong, shown: raw };
    rules.push({ ...rule, measure });
  }
  if (property.required || property.primaryKey) rows("required", `${raw} IS NULL`, "are null");
  if (property.unique || soleKey) {
    const measure: Measure = { kind: "duplicates", columns: [value.value], shown: raw };
    rules.push({ ...base(at, name, property.unique ? "unique" : "primaryKey"), measure, breach: "repeat a value" });
  }
  for (const { rule, failing, breach } of optionTests(property, `(${value.value})`, isText)) rows(rule, failing, breach);
  for (const [index, rule] of property.quality.entries())
    rules.push(
      ...columnMetric(rule, {
        path: `${at}.quality[${index}]`,
        table: source.name,
        column: name,
        value: value.value,
        raw,
        numeric: property.logicalType === "integer" || property.logicalType === "number",
        // An empty cell of a CSV file is null.
        csv: source.manifest.format === "csv",
      }),
    );
  return rules;
}

function patternProbes(property: ContractColumn, at: string): Probe[] {
  return property.quality.flatMap((rule, index) =>
    rule.type === "library" && rule.arguments.pattern !== undefined
      ? [
          {
            path: `${at}.quality[${index}].arguments.pattern`,
            sql: `SELECT regexp_matches('', ${quoteText(rule.arguments.pattern)})`,
          },
        ]
      : [],
  );
}

function tableRules(rule: QualityRule, path: string, known: TableColumns): Rule[] {
  if (rule.type === "text") return [];
  const { accepts, words } = expectationOf(rule);
  const common = { path, column: null, severity: rule.severity, accepts, shows: [] };
  if (rule.type === "sql") {
    const sql = filledQuery(rule.query, { table: known.table.name, column: null });
    return [{ ...common, rule: rule.name ?? "sql", measure: { kind: "query", sql }, breach: words }];
  }
  if (rule.metric === "rowCount")
    return [{ ...common, rule: `rowCount ${words}`, measure: { kind: "row-count" }, breach: words }];
  const columns = rule.arguments.properties ?? [];
  return duplicates(columns, known, {
    ...common,
    rule: `duplicateValues of ${columns.join(", ")} ${words}`,
    breach: `repeat ${columns.join(", ")}; the number ${words}`,
  });
}

function duplicates(names: string[], { typed }: TableColumns, rule: Omit<Rule, "measure">): Rule[] {
  const found = names.flatMap((name) => typed.get(name) ?? []);
  // A column that is not there has its own failing rule.
  if (found.length < names.length)
    return [
      {
        ...rule,
        measure: { kind: "known", failing: true },
        breach: `cannot be counted: not all of ${names.join(", ")} are described and there`,
      },
    ];
  const columns = found.map(({ value }) => value);
  const measure: Measure = { kind: "duplicates", columns, shown: `concat_ws(', ', ${columns.join(", ")})` };
  return [{ ...rule, shows: found.map(({ file }) => file), measure }];
}

/** Freshness: `slaProperties` whose element is a column of this table. */
function ageRules(contract: DataContract, { table, typed }: TableColumns): Rule[] {
  return contract.slaProperties.flatMap((level, index): Rule[] => {
    const [name, column = ""] = (level.element ?? "").split(".");
    const hours = hoursOf(level.unit);
    if (!checkedServiceLevels.includes(level.property) || name !== table.name || hours === null) return [];
    const path = `contract.slaProperties[${index}]`;
    const limit = Number(level.value) * hours;
    const found = typed.get(column);
    const rule = { ...base(path, column, level.property), path, accepts: (age: number) => age <= limit };
    if (found === undefined || !/^(TIMESTAMP|DATE)/.test(found.resultType))
      return [
        {
          ...rule,
          measure: { kind: "known", failing: true },
          accepts: none,
          breach: `is no time of ${table.name}, whose age could be told`,
        },
      ];
    return [
      {
        ...rule,
        measure: { kind: "age", value: found.value },
        breach: `must be ${String(level.value)} ${level.unit ?? ""} at most`,
      },
    ];
  });
}

import type { Operator } from "../../domain/contract-quality.ts";
import type { QualityRule } from "../../domain/contract-schema.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import type { Rule } from "./rule.ts";

type CheckedRule = Exclude<QualityRule, { type: "text" }>;

interface MeasuredColumn {
  path: string;
  table: string;
  column: string;
  /** SQL: the value in its type, and the cell as it stands in the file. */
  value: string;
  raw: string;
  numeric: boolean;
  /** An empty cell of a CSV file is null. */
  csv: boolean;
}

/** The quality rule of a column as a countable rule; none for texts, which are for people. */
export function columnMetric(rule: QualityRule, column: MeasuredColumn): Rule[] {
  if (rule.type === "text") return [];
  const { accepts, words } = expectationOf(rule);
  const common = { path: column.path, column: column.column, severity: rule.severity, accepts, shows: [column.column] };
  if (rule.type === "sql") {
    return [
      {
        ...common,
        rule: rule.name ?? "sql",
        measure: { kind: "query", sql: filledQuery(rule.query, column) },
        breach: words,
      },
    ];
  }
  const named = { ...common, rule: `${rule.metric} ${words}` };
  if (rule.metric === "duplicateValues")
    return [
      {
        ...named,
        measure: { kind: "duplicates", columns: [column.value], shown: column.raw },
        breach: `repeat a value; the number ${words}`,
      },
    ];
  const { missingValues = [], validValues, pattern } = rule.arguments;
  const text = `CAST(${column.raw} AS VARCHAR)`;
  const tests: Record<string, { failing: string; breach: string }> = {
    nullValues: { failing: `${column.raw} IS NULL`, breach: "are null" },
    missingValues: {
      failing: missingValues.map((value) => equals(value, column)).join(" OR "),
      breach: "are missing",
    },
    invalidValues:
      validValues === undefined
        ? {
            failing: `NOT regexp_matches(${text}, ${quoteText(pattern ?? "")})`,
            breach: `do not match ${pattern}`,
          }
        : {
            failing: `${column.raw} IS NOT NULL AND NOT coalesce(${validValues.map((value) => equals(value, column)).join(" OR ")}, false)`,
            breach: "are none of the valid values",
          },
  };
  const test = tests[rule.metric];
  if (test === undefined) return [];
  return [
    {
      ...named,
      measure: { kind: "rows", failing: test.failing, shown: column.raw },
      breach:
        rule.mustBe === 0 ? test.breach : `${test.breach}; the ${rule.unit === "percent" ? "percentage" : "number"} ${words}`,
    },
  ];
}

/** What the placeholders of a query stand for; a table's own query has no column. */
export interface QueryNames {
  table: string;
  column: string | null;
}

const placeholders = /\$?\{(object|property)\}/g;

/** `{object}` and `{property}` (also with a dollar sign) stand for the table and the column. */
export function filledQuery(query: string, names: QueryNames): string {
  return query.replaceAll(placeholders, (written, what: string) => filled(written, what, names));
}

/** Where a character of the filled query stands in the query as it is written. */
export function unfilledPlace(query: string, names: QueryNames, at: number): number {
  let grown = 0;
  for (const found of query.matchAll(placeholders)) {
    if (found.index + grown >= at) break;
    const [written, what = ""] = found;
    const length = filled(written, what, names).length;
    // Within a name: where its placeholder begins.
    if (found.index + grown + length > at) return found.index;
    grown += length - written.length;
  }
  return at - grown;
}

function filled(written: string, what: string, { table, column }: QueryNames): string {
  if (what === "object") return quoteName(table);
  return column === null ? written : quoteName(column);
}

function equals(value: string | number | boolean | null, column: MeasuredColumn): string {
  if (value === null || (value === "" && column.csv)) return `${column.raw} IS NULL`;
  if (typeof value === "number" && column.numeric) return `(${column.value}) = ${value}`;
  return `CAST(${column.raw} AS VARCHAR) = ${quoteText(String(value))}`;
}

const comparisons: Record<Operator, { accepts(value: number, limit: number[]): boolean; words: string }> = {
  mustBe: { accepts: (value, [limit = 0]) => value === limit, words: "must be" },
  mustNotBe: { accepts: (value, [limit = 0]) => value !== limit, words: "must not be" },
  mustBeGreaterThan: {
    accepts: (value, [limit = 0]) => value > limit,
    words: "must be greater than",
  },
  mustBeGreaterOrEqualTo: {
    accepts: (value, [limit = 0]) => value >= limit,
    words: "must be at least",
  },
  mustBeLessThan: { accepts: (value, [limit = 0]) => value < limit, words: "must be less than" },
  mustBeLessOrEqualTo: {
    accepts: (value, [limit = 0]) => value <= limit,
    words: "must be at most",
  },
  mustBeBetween: {
    accepts: (value, [low = 0, high = 0]) => value >= low && value <= high,
    words: "must be between",
  },
  mustNotBeBetween: {
    accepts: (value, [low = 0, high = 0]) => value < low || value > high,
    words: "must not be between",
  },
};

/** What a rule accepts, and in words: "must be less than 5 percent". Bounds of `between` count as within. */
export function expectationOf(rule: CheckedRule): { accepts: Rule["accepts"]; words: string } {
  // The answer of a query is taken as it is, in whatever unit.
  const percent = rule.type === "library" && rule.unit === "percent";
  for (const [operator, comparison] of Object.entries(comparisons)) {
    // The keys of `comparisons` are operators, which the compiler forgets in Object.entries.
    const given = rule[operator as Operator];
    if (given === undefined) continue;
    const limits = typeof given === "number" ? [given] : given;
    return {
      accepts: (value, rows) => comparison.accepts(percent ? (100 * value) / Math.max(rows, 1) : value, limits),
      words: `${comparison.words} ${limits.join(" and ")}${percent ? " percent" : ""}`,
    };
  }
  throw new TypeError("The contract's schema lets no rule through without an operator.");
}

import type { ValidationReport } from "../../domain/stage-results.ts";

/** One thing that a contract promises, in a form that a query can count. */
export interface Rule {
  /** Where it stands: `contract.schema[0].properties[3].required`. */
  path: string;
  rule: string;
  column: string | null;
  severity: ValidationReport["rules"][number]["severity"];
  measure: Measure;
  /** Columns of the files whose values a sample would show. */
  shows: string[];
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
  /** Rows whose values stand in no row of another table; `columns` as SQL here, `targets` by name there. */
  | { kind: "orphans"; columns: string[]; table: string; targets: string[]; shown: string }
  | { kind: "row-count" }
  /** Hours since the newest time. */
  | { kind: "age"; value: string }
  | { kind: "query"; sql: string }
  /** Known without looking at rows. */
  | { kind: "known"; failing: boolean };

/** An expression of the contract that DuckDB must be able to read: a pattern, a date. */
export interface Probe {
  path: string;
  sql: string;
}

export const none = (value: number) => value === 0;

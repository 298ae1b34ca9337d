import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import { instantOf, largestWhole } from "../../domain/value-spellings.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { readTimeByRule1 } from "./rule-1.ts";

/** The type that a request column has in DuckDB, in training and serving alike. */
export const requestTypes: Record<ColumnType, { sql: string; type: DuckDBType }> = {
  string: { sql: "VARCHAR", type: VARCHAR },
  number: { sql: "DOUBLE", type: DOUBLE },
  integer: { sql: "BIGINT", type: BIGINT },
  boolean: { sql: "BOOLEAN", type: BOOLEAN },
  timestamp: { sql: "TIMESTAMP", type: TIMESTAMP },
};

/** `request`, as features.sql sees it, without rows. */
export async function createRequestTable(db: DuckDb, request: Record<string, ColumnType>): Promise<void> {
  const columns = Object.entries(request).map(([name, type]) => `${quoteName(name)} ${requestTypes[type].sql}`);
  await db.run(`CREATE TABLE request (row_id BIGINT, ${columns.join(", ")})`);
}

const faultsKept = 20;
const wanted: Record<ColumnType, string> = {
  string: "text",
  number: "a finite number",
  integer: `a whole number from -${largestWhole} to ${largestWhole}`,
  boolean: "true or false",
  timestamp: "a time such as 2013-01-31T06:00:00Z",
};

/** What a version reads of a request, and by which rule (`reading` of its feature spec). */
export interface RequestReading {
  request: Record<string, ColumnType>;
  reading?: number | undefined;
}

/**
 * The values of prediction requests by column, in DuckDB's types. Every request column must be
 * there (null says that it is missing), and no other. Throws `invalid` with a fault for each
 * wrong cell, at paths such as `instances[3].carrier`.
 */
export function requestColumns(rows: Record<string, unknown>[], { request, reading }: RequestReading): DuckDBValue[][] {
  const faults: Fault[] = [];
  const names = Object.keys(request);
  const readers = reading === undefined ? { ...readersOfNow, timestamp: readTimeByRule1 } : readersOfNow;
  const columns = Object.entries(request).map(([name, type]) =>
    rows.map((row, index) => {
      const path = `instances[${index}].${name}`;
      if (!Object.hasOwn(row, name)) {
        faults.push({ path, message: "is missing; send null when it is not known" });
        return null;
      }
      const value = row[name];
      const read = value === null ? null : readers[type](value);
      if (read === undefined) faults.push({ path, message: `must be ${wanted[type]}` });
      return read ?? null;
    }),
  );
  for (const [index, row] of rows.entries())
    for (const name of Object.keys(row))
      if (!Object.hasOwn(request, name))
        faults.push({ path: `instances[${index}].${name}`, message: `is no request column; these are: ${names.join(", ")}` });
  if (faults.length > 0) {
    const [first] = faults;
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
    throw new CountersignError("invalid", `${first?.path} ${first?.message}${more}.`, { faults: faults.slice(0, faultsKept) });
  }
  return columns;
}

/** Each gives undefined for what is not of its type. */
const readersOfNow: Record<ColumnType, (value: unknown) => DuckDBValue | undefined> = {
  string: (value) => (typeof value === "string" ? value : undefined),
  number: (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined),
  integer: (value) => (typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined),
  boolean: (value) => (typeof value === "boolean" ? value : undefined),
  timestamp: (value) => {
    const instant = typeof value === "string" ? instantOf(value) : null;
    return instant === null ? undefined : new DuckDBTimestampValue(instant);
  },
};

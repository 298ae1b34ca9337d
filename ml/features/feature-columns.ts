import { type DuckDBConnection, type DuckDBDataChunk, DuckDBFloatVector } from "@duckdb/node-api";
import { CountersignError } from "../../domain/errors.ts";
import { cancellable } from "../duckdb.ts";
import type { Feature } from "./feature-query.ts";

/** One feature of many rows, as a model takes it: NaN for a float that is missing, "" for a text. */
export type FeatureColumn =
  | { name: string; type: "float"; values: Float32Array }
  | { name: string; type: "string"; values: string[] };

export interface FeatureTable {
  rows: number;
  columns: FeatureColumn[];
  /** 0 or 1; null where the table has no label. */
  labels: Uint8Array | null;
}

/** Empty columns for so many rows. */
export function emptyColumns(features: Feature[], rows: number): FeatureColumn[] {
  return features.map(({ name, type }) =>
    type === "float"
      ? { name, type, values: new Float32Array(rows).fill(Number.NaN) }
      : { name, type, values: Array.from({ length: rows }, () => "") },
  );
}

/** Writes column `at` of a chunk to the feature's column, each value at the place that `placeOf` gives. */
export function copyColumn(
  { chunk, at }: { chunk: DuckDBDataChunk; at: number },
  column: FeatureColumn,
  placeOf: (index: number) => number,
): void {
  if (column.type === "float") {
    const vector = chunk.getColumnVector(at);
    if (!(vector instanceof DuckDBFloatVector)) throw new TypeError(`${column.name} is not read as FLOAT.`);
    for (let index = 0; index < chunk.rowCount; index += 1) column.values[placeOf(index)] = vector.getItem(index) ?? Number.NaN;
    return;
  }
  chunk.visitColumnValues(at, (value, index) => {
    column.values[placeOf(index)] = typeof value === "string" ? value : "";
  });
}

/**
 * Reads `row_id`, the features and perhaps the label (last) by chunks into columns; the query orders
 * by row_id. Rows as objects would be ten times slower. Throws `feature-sql` when the rows are not
 * exactly `rows` different ones.
 */
export async function readFeatureTable(
  connection: DuckDBConnection,
  query: { sql: string; features: Feature[]; labelled: boolean; rows: number; signal?: AbortSignal },
): Promise<FeatureTable> {
  const columns = emptyColumns(query.features, query.rows);
  const labels = query.labelled ? new Uint8Array(query.rows) : null;
  let given = 0;
  let last = -1n;
  let repeated = 0;
  await cancellable(connection, query.signal, async () => {
    const result = await connection.stream(query.sql);
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      const start = given;
      chunk.visitColumnValues(0, (value) => {
        if (value === last) repeated += 1;
        if (typeof value === "bigint") last = value;
      });
      for (const [at, column] of columns.entries()) copyColumn({ chunk, at: at + 1 }, column, (index) => start + index);
      if (labels !== null) chunk.visitColumnValues(columns.length + 1, (value, index) => (labels[start + index] = Number(value)));
      given += chunk.rowCount;
    }
  });
  if (given !== query.rows || repeated > 0) throw wrongRows(given, query.rows, repeated);
  return { rows: query.rows, columns, labels };
}

/** features.sql must give exactly one row for each request row. */
export function wrongRows(given: number, asked: number, repeated: number): CountersignError {
  const twice = repeated > 0 ? `, ${repeated} of them for a row that had one already` : "";
  const message = `It gave ${given} rows for ${asked} request rows${twice}; it must give exactly one for each.`;
  return new CountersignError("feature-sql", `features.sql fails: ${message}`, { faults: [{ path: "features.sql", message }] });
}

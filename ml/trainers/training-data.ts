import {
  type DuckDBDataChunk,
  DuckDBFloatVector,
  DuckDBInstance,
  DuckDBIntegerVector,
} from "@duckdb/node-api";

/** A float feature: float32, NaN where missing. A string feature: "" where missing. As the model's inputs take them. */
export type FeatureColumn = Float32Array | string[];
export type FeatureColumns = Record<string, FeatureColumn>;
export interface Feature {
  name: string;
  type: "float" | "string";
}

export interface TrainingData {
  rows: number;
  columns: FeatureColumns;
  /** 0 or 1. */
  labels: Uint8Array;
}

export interface TableRequest {
  path: string;
  features: Feature[];
  label: string;
  /** The first rows only. */
  limit?: number;
}

/**
 * Features and label of a Parquet file, in file order, column by column: rows as objects are ten
 * times slower. Throws where a column lacks or the label is neither 0 nor 1.
 */
export async function readTrainingData({
  path,
  features,
  label,
  limit,
}: TableRequest): Promise<TrainingData> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "1",
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    const columns = features.map(
      ({ name, type }) => `CAST(${quoted(name)} AS ${type === "float" ? "FLOAT" : "VARCHAR"})`,
    );
    const table = `read_parquet('${path.replaceAll("'", "''")}')`;
    const sql = `SELECT ${[`CAST(${quoted(label)} AS INTEGER)`, ...columns].join(", ")} FROM ${table}${limit === undefined ? "" : ` LIMIT ${limit}`}`;
    const result = await connection.stream(sql);
    const chunks: DuckDBDataChunk[] = [];
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    )
      chunks.push(chunk);
    const rows = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0);
    return {
      rows,
      labels: readLabels(chunks, rows),
      columns: Object.fromEntries(
        features.map(({ name, type }, index) => [
          name,
          type === "float" ? readFloats(chunks, index + 1, rows) : readStrings(chunks, index + 1),
        ]),
      ),
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function readLabels(chunks: DuckDBDataChunk[], rows: number): Uint8Array {
  const labels = new Uint8Array(rows);
  let row = 0;
  for (const chunk of chunks) {
    const vector = chunk.getColumnVector(0);
    if (!(vector instanceof DuckDBIntegerVector))
      throw new TypeError("The label is not read as an integer.");
    for (let index = 0; index < chunk.rowCount; index += 1, row += 1) {
      const value = vector.getItem(index);
      if (value !== 0 && value !== 1)
        throw new RangeError(`The label of row ${row + 1} is ${value}, neither 0 nor 1.`);
      labels[row] = value;
    }
  }
  return labels;
}

function readFloats(chunks: DuckDBDataChunk[], column: number, rows: number): Float32Array {
  const values = new Float32Array(rows);
  let row = 0;
  for (const chunk of chunks) {
    const vector = chunk.getColumnVector(column);
    if (!(vector instanceof DuckDBFloatVector))
      throw new TypeError(`Column ${column} is not read as a float.`);
    for (let index = 0; index < chunk.rowCount; index += 1, row += 1)
      values[row] = vector.getItem(index) ?? Number.NaN;
  }
  return values;
}

function readStrings(chunks: DuckDBDataChunk[], column: number): string[] {
  return chunks.flatMap((chunk) =>
    chunk.getColumnValues(column).map((value) => (typeof value === "string" ? value : "")),
  );
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

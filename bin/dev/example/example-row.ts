import { DuckDBInstance } from "@duckdb/node-api";
import type { ResolvedDefinition } from "../../../domain/definition-schema.ts";
import type { LocalRoot } from "../../../files/local-root.ts";

/**
 * A row of the model's own newest data, with the columns that a prediction asks for: something
 * real to show on. Null when the source has none that is complete.
 */
export async function exampleRow(definition: ResolvedDefinition, data: LocalRoot): Promise<Record<string, unknown> | null> {
  const source = definition.data.sources[definition.data.rows];
  if (source?.files === undefined) return null;
  const [newest = ""] = (await data.expand(source.files.replace("{month}", source.window?.until ?? "*"))).toReversed();
  const located = await data.locate(newest);
  if ("refusal" in located) return null;
  const { path: file } = located;
  const columns = Object.keys(definition.features.request).map((name) => `"${name}"`);
  const read = file.endsWith(".csv") ? "read_csv" : "read_parquet";
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const complete = columns.map((column) => `${column} is not null`).join(" and ");
    const reader = await connection.runAndReadAll(
      `select ${columns.join(", ")} from ${read}('${file.replaceAll("'", "''")}') where ${complete} limit 1`,
    );
    const [row] = reader.getRowObjectsJson();
    if (row === undefined) return null;
    return Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, inType(value, definition.features.request[name])]),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** DuckDB gives wide integers and times as text; the API wants numbers, and times as RFC 3339. */
function inType(value: unknown, type: string | undefined): unknown {
  if (type === "number" || type === "integer") return Number(value);
  if (type === "timestamp" && typeof value === "string") return `${value.slice(0, 19).replace(" ", "T")}Z`;
  return value;
}

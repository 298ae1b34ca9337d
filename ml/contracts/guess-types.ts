import type { DatasetManifest } from "../../domain/stage-results.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { typedColumn } from "../datasets/column-types.ts";
import { typedSource } from "../datasets/typed-source.ts";
import { openDuckDb } from "../duckdb.ts";
import type { StageTools } from "../stage-tools.ts";
import { parseContract } from "./parse-contract.ts";

/** The narrowest first: what is a whole number is a number too. Yes and no are not among them: 0 and 1 are numbers. */
const candidates = ["integer", "number", "boolean", "date", "timestamp"] as const;
type Guessed = (typeof candidates)[number] | "string" | "time" | "array" | "object";
const columnsAtOnce = 100;

/** The logical type of every column: that of Parquet, or the narrowest in which every cell of a text file can be read. */
export async function guessTypes(
  input: { store: ArtifactAccess; manifest: DatasetManifest },
  { signal }: StageTools,
): Promise<Record<string, Record<string, Guessed>>> {
  const contract = parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: input.manifest.rows }] });
  const db = await openDuckDb({ signal, memoryMb: 512 });
  try {
    const types: Record<string, Record<string, Guessed>> = {};
    for (const [name, manifest] of Object.entries(input.manifest.sources)) {
      const source = await typedSource({ ...input, contract, name });
      const found: Record<string, Guessed> = {};
      types[name] = found;
      for (const { name: column, type } of manifest.columns) {
        const guess = manifest.format === "parquet" ? ofParquet(type) : "string";
        if (guess !== null) found[column] = guess;
      }
      if (manifest.format === "parquet") continue;
      for (let first = 0; first < manifest.columns.length; first += columnsAtOnce) {
        const batch = manifest.columns.slice(first, first + columnsAtOnce);
        const wrong = batch.flatMap((column, at) =>
          candidates.map((logicalType) => {
            const { wrong: cell } = typedColumn(column, { logicalType, logicalTypeOptions: {} }, manifest.format);
            return `count_if(${cell ?? "false"}) AS ${logicalType}${at}`;
          }),
        );
        const there = batch.map((column, at) => `count("${column.name.replaceAll('"', '""')}") AS there${at}`);
        const [counts = {}] = await db.rows(`SELECT ${[...wrong, ...there].join(", ")} FROM (${source.raw})`);
        for (const [at, { name: column }] of batch.entries()) {
          if (Number(counts[`there${at}`]) === 0) continue;
          found[column] = candidates.find((type) => Number(counts[`${type}${at}`]) === 0) ?? "string";
        }
      }
    }
    return types;
  } finally {
    db.close();
  }
}

function ofParquet(type: string): Guessed | null {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return "integer";
  if (/^(FLOAT|DOUBLE|DECIMAL.*)$/.test(type)) return "number";
  if (type === "BOOLEAN") return "boolean";
  if (type === "DATE") return "date";
  if (type.startsWith("TIMESTAMP")) return "timestamp";
  if (type.startsWith("TIME")) return "time";
  if (type.endsWith("]")) return "array";
  if (/^(STRUCT|MAP)/.test(type)) return "object";
  return /^(VARCHAR|ENUM|UUID)/.test(type) ? "string" : null;
}

import type { Json } from "@duckdb/node-api";
import type { LogicalType } from "../../domain/contract-options.ts";
import type { GuessedType } from "../../domain/contract-suggestion.ts";
import type { DatasetManifest } from "../../domain/stage-results.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { logicalTypeOf, typedColumn } from "../datasets/column-types.ts";
import { typedSource } from "../datasets/typed-source.ts";
import { openDuckDb, quoteName } from "../duckdb.ts";
import type { StageTools } from "../stage-tools.ts";
import { parseContract } from "./parse-contract.ts";
import { readings, type TextForm, textForms } from "./text-forms.ts";

/** Some fifty expressions each; more at once would be slower to plan than a second pass. */
const columnsAtOnce = 20;

type Column = DatasetManifest["sources"][string]["columns"][number];

/**
 * The type of every column: that of Parquet where every value is one of it, and for text the narrowest from whose
 * values every cell could be written again as it stands. `007`, `1E5` and accounts of twenty digits stay text, and so
 * does a column without a value.
 */
export async function guessTypes(
  input: { store: ArtifactAccess; manifest: DatasetManifest },
  { signal }: StageTools,
): Promise<Record<string, Record<string, GuessedType>>> {
  const contract = parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: input.manifest.rows }] });
  const db = await openDuckDb({ signal, memoryMb: 512 });
  try {
    const types: Record<string, Record<string, GuessedType>> = {};
    for (const [name, { columns, format }] of Object.entries(input.manifest.sources)) {
      const source = await typedSource({ ...input, contract, name });
      const found: Record<string, GuessedType> = {};
      types[name] = found;
      for (let first = 0; first < columns.length; first += columnsAtOnce) {
        const looks = columns.slice(first, first + columnsAtOnce).map(format === "parquet" ? lookAtParquet : lookAtText);
        const selected = looks.flatMap(({ counts }, at) => counts.map((sql, nth) => `${sql} AS c${at}_${nth}`));
        const read = looks.map(({ reads }) => reads).join(", ");
        const [row = {}] =
          selected.length === 0 ? [] : await db.rows(`SELECT ${selected.join(", ")} FROM (SELECT ${read} FROM (${source.raw}))`);
        for (const [at, { column, counts, guess }] of looks.entries()) {
          const guessed = guess(counts.map((_, nth) => row[`c${at}_${nth}`] ?? null));
          if (guessed !== null) found[column] = guessed;
        }
      }
    }
    return types;
  } finally {
    db.close();
  }
}

/** What has to be counted of a column, and what follows from the counts. */
interface Look {
  column: string;
  /** SQL of what the counts are of. */
  reads: string;
  counts: string[];
  guess(counts: Json[]): GuessedType | null;
}

/** NaN, infinities and times beyond the calendar are none of their type: it would be broken by the file that it comes from. */
function lookAtParquet({ name, type }: Column): Look {
  const logicalType = logicalTypeOf(type);
  const reads = quoteName(name);
  if (logicalType === null) return { column: name, reads, counts: [], guess: () => null };
  const { wrong } = typedColumn({ name, type }, { logicalType, logicalTypeOptions: {} }, "parquet");
  const guess = ([odd = null]: Json[]) => (Number(odd) === 0 ? { logicalType } : null);
  return { column: name, reads, counts: wrong === null ? [] : [`count_if(${wrong})`], guess };
}

function lookAtText({ name }: Column, at: number): Look {
  const cell = `cell${at}`;
  const forms = textForms(at);
  return {
    column: name,
    reads: readings(quoteName(name), at),
    counts: [`count(${cell})`, ...forms.map(({ holds }) => `count_if(${cell} IS NOT NULL AND NOT coalesce(${holds}, false))`)],
    guess: ([there = null, ...broken]) => {
      if (Number(there) === 0) return { logicalType: "string" };
      const form = forms.find((_, at) => Number(broken[at]) === 0);
      return form === undefined ? { logicalType: "string" } : guessOf(form);
    },
  };
}

function guessOf({ logicalType, timezone }: TextForm): { logicalType: LogicalType; timezone?: boolean } {
  return timezone === undefined ? { logicalType } : { logicalType, timezone };
}

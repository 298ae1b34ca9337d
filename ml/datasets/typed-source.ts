import type { ContractTable, DataContract } from "../../domain/contract-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { DatasetManifest, SourceManifest } from "../../domain/stage-results.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { readingRule } from "../../domain/value-spellings.ts";
import { quoteName } from "../duckdb.ts";
import { type TypedColumn, typedColumn } from "./column-types.ts";
import { sourceQuery } from "./source-table.ts";

/** A frozen source and how its columns are read. */
export interface TypedSource {
  name: string;
  manifest: SourceManifest;
  table: ContractTable | undefined;
  paths: string[];
  /** SELECT of the columns as they stand in the files, with `row_id` and `file_index`. */
  raw: string;
  columns: (SourceManifest["columns"][number] & TypedColumn)[];
}

/** Throws `artifact-corrupt` when the bytes of a file are no longer those that were frozen. */
export async function typedSource(input: {
  store: ArtifactAccess;
  manifest: DatasetManifest;
  contract: DataContract;
  name: string;
}): Promise<TypedSource> {
  const { store, contract, name } = input;
  const manifest = input.manifest.sources[name];
  if (manifest === undefined) throw new CountersignError("invalid", `The dataset has no source ${name}.`);
  refuseOlderRule(name, manifest);
  const paths: string[] = [];
  for (const file of manifest.files) paths.push(await verifiedPath(store, file.digest));
  const table = contract.schema.find((one) => one.name === name);
  const wanted = new Map(table?.properties.map((property) => [property.physicalName ?? property.name, property] as const));
  const columns = manifest.columns.map((column) => ({
    ...column,
    ...typedColumn(column, wanted.get(column.name), manifest.format),
  }));
  return { name, manifest, table, paths, raw: await sourceQuery(manifest, paths), columns };
}

/** Text that an older program froze may have passed the contract in a reading that is no longer made. */
function refuseOlderRule(name: string, { format, reading }: SourceManifest): void {
  if (format === "parquet" || reading === readingRule) return;
  const message = `${name} was read by rule ${reading ?? 1} for times and numbers, and this program reads by rule ${readingRule}: request a new release`;
  throw new CountersignError("invalid", `${message}.`, { faults: [{ path: `data.sources.${name}`, message }] });
}

/** SELECT of `row_id` and the columns in the types of the contract. */
export function typedSelect({ raw, columns }: TypedSource): string {
  const values = columns.map(({ name, value }) => `${value} AS ${quoteName(name)}`);
  return `SELECT row_id, ${values.join(", ")} FROM (${raw})`;
}

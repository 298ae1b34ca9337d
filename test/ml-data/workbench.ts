import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type ArtifactStore, createArtifactStore } from "../../artifacts/artifact-store.ts";
import type { CountersignError } from "../../domain/errors.ts";

/** A data root and an artifact store of their own. */
export interface Workbench {
  dataRoot: string;
  store: ArtifactStore;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Writes the rows of a query as Parquet or CSV, by the name's ending. */
  writeTable(name: string, sql: string): Promise<void>;
  /** The answer of a small query. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

export async function createWorkbench(): Promise<Workbench> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-ml-data-"));
  const dataRoot = join(directory, "data");
  await mkdir(dataRoot);
  return {
    dataRoot,
    store: createArtifactStore({ directory: join(directory, "artifacts") }),
    write: async (name, content) => {
      const path = join(dataRoot, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return path;
    },
    writeTable: async (name, sql) => {
      const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
      const connection = await instance.connect();
      const format = name.endsWith(".parquet") ? "(FORMAT parquet)" : "(FORMAT csv, HEADER)";
      await connection.run(`COPY (${sql}) TO '${join(dataRoot, name)}' ${format}`);
      connection.closeSync();
      instance.closeSync();
    },
    rows: async (sql) => {
      const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
      const connection = await instance.connect();
      const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
      connection.closeSync();
      instance.closeSync();
      return rows;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The error that work ends with; fails the test when it ends well. */
export async function failureOf(work: Promise<unknown>): Promise<CountersignError> {
  try {
    await work;
  } catch (error) {
    // The tests look at `code` and `faults` of what was thrown, whatever it is.
    return error as CountersignError;
  }
  throw new Error("It was expected to fail, and did not.");
}

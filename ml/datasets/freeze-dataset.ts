import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { DatasetManifest, ReleaseParameters, SourceManifest } from "../../domain/stage-results.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { count } from "../count-words.ts";
import { openDuckDb } from "../duckdb.ts";
import type { StageTools } from "../stage-tools.ts";
import { type FileContent, inspectFile } from "./inspect-file.ts";
import { findSourceFiles, type SourceFiles } from "./source-files.ts";

export interface FrozenDataset {
  manifest: DatasetManifest;
  summary: string;
}

/**
 * Copies the bytes of all files of all sources into the store, then looks at the copies, so that
 * what is described is what is kept, whoever writes to the originals meanwhile. Throws
 * `source-missing`, `source-unreadable`, `source-schema`.
 */
export async function freezeDataset(
  input: {
    dataRoot: string;
    store: ArtifactAccess;
    data: ResolvedDefinition["data"];
    parameters: ReleaseParameters;
  },
  { signal, progress }: StageTools,
): Promise<FrozenDataset> {
  const found = await findSourceFiles(input.dataRoot, input.data, input.parameters);
  const db = await openDuckDb({ signal });
  try {
    const sources: Record<string, SourceManifest> = {};
    for (const { source, files } of found) {
      const contents: FileContent[] = [];
      const frozen: SourceManifest["files"] = [];
      for (const file of files) {
        signal.throwIfAborted();
        progress(`freezing ${file.name}`);
        const kept = await input.store.putFile(file.path);
        const content = await inspectFile(db, {
          source,
          name: file.name,
          path: await input.store.pathOf(kept.digest),
        });
        contents.push(content);
        frozen.push({ name: file.name, ...kept, rows: content.rows });
      }
      sources[source] = {
        ...oneSchema(source, files, contents),
        rows: sum(contents, (content) => content.rows),
        files: frozen,
      };
    }
    const manifest = { rows: input.data.rows, sources };
    return { manifest, summary: summarise(manifest, found) };
  } finally {
    db.close();
  }
}

/** The columns that all files of a source share. Throws `source-schema` naming file and column. */
function oneSchema(
  source: string,
  files: SourceFiles["files"],
  contents: FileContent[],
): Pick<SourceManifest, "format" | "columns"> {
  const [first] = contents;
  const firstName = files[0]?.name ?? "";
  if (first === undefined) throw new CountersignError("source-missing", `The source ${source} has no files.`);
  const expected = new Map(first.columns.map((column) => [column.name, column.type]));
  const messages: string[] = [];
  for (const [index, content] of contents.entries()) {
    const name = files[index]?.name ?? "";
    if (content.format !== first.format) {
      messages.push(`${name} is ${content.format}, but ${firstName} is ${first.format}.`);
      continue;
    }
    const columns = new Map(content.columns.map((column) => [column.name, column.type]));
    for (const [column, type] of expected) {
      const actual = columns.get(column);
      if (actual === undefined) messages.push(`${name} has no column ${column}, which ${firstName} has.`);
      else if (actual !== type) messages.push(`${name} has ${column} as ${actual}, but ${firstName} as ${type}.`);
    }
    for (const column of columns.keys())
      if (!expected.has(column)) messages.push(`${name} has a column ${column}, which ${firstName} lacks.`);
  }
  if (messages.length > 0) {
    const faults: Fault[] = messages.map((message) => ({
      path: `data.sources.${source}.files`,
      message,
    }));
    throw new CountersignError("source-schema", `The files of ${source} differ: ${messages.slice(0, 3).join(" ")}`, { faults });
  }
  return { format: first.format, columns: first.columns };
}

function summarise(manifest: DatasetManifest, found: SourceFiles[]): string {
  const main = manifest.sources[manifest.rows];
  const months = found.find((source) => source.source === manifest.rows)?.months;
  const span =
    months === null || months === undefined
      ? ""
      : months.from === months.until
        ? ` (${months.from})`
        : ` (${months.from} to ${months.until})`;
  const others = Object.entries(manifest.sources)
    .filter(([name]) => name !== manifest.rows)
    .map(([name, source]) => `${name} (${count(source.rows)})`);
  const files = main?.files.length ?? 0;
  const joined = others.length < 2 ? others.join("") : `${others.slice(0, -1).join(", ")} and ${others.at(-1)}`;
  return `${count(main?.rows ?? 0)} rows of ${manifest.rows} from ${files} file${files === 1 ? "" : "s"}${span}${others.length > 0 ? `, with ${joined}` : ""}`;
}

function sum<T>(items: T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

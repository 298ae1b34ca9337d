import { type FileHandle, stat } from "node:fs/promises";
import type { DataContract } from "../../domain/contract-schema.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { DatasetManifest, ReleaseParameters, SourceManifest } from "../../domain/stage-results.ts";
import type { LocalRoot } from "../../files/local-root.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { count } from "../count-words.ts";
import { type DuckDb, openDuckDb } from "../duckdb.ts";
import { readingRule } from "../../domain/value-spellings.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import { type FileContent, inspectFile } from "./inspect-file.ts";
import type { Months, Offer, RemoteOffers } from "./offers.ts";
import { oneSchema } from "./one-schema.ts";
import { findSourceFiles, type SourceFiles } from "./source-files.ts";
import { sourceQuery } from "./source-table.ts";

export interface FrozenDataset {
  manifest: DatasetManifest;
  summary: string;
}

/** What was read of a place the last time. */
export interface KnownFile {
  fingerprint: string;
  digest: Digest;
  bytes: number;
  content: FileContent;
}

/** Remembers readings between releases, so that what did not change is not read again. */
export interface FileMemory {
  recall(place: string): Promise<KnownFile | null>;
  keep(place: string, known: KnownFile): Promise<void>;
}

export interface FreezeInput {
  dataRoot: LocalRoot;
  store: ArtifactAccess;
  data: ResolvedDefinition["data"];
  /** Says how times are written, by which a window is chosen; without it they are read as ISO writes them. */
  contract?: DataContract;
  parameters: ReleaseParameters;
  /** Sources of other machines; without it only files below the data root are read. */
  remote?: RemoteOffers;
  memory?: FileMemory;
}

type FrozenFile = SourceManifest["files"][number] & { content: FileContent; again: boolean };

/**
 * Copies the bytes of all files of all sources into the store, then looks at the copies, so that
 * what is described is what is kept, whoever writes to the originals meanwhile. A file that is the
 * same as when it was last read is not read. Throws `source-missing`, `source-unreadable`, `source-schema`.
 */
export async function freezeDataset(input: FreezeInput, tools: StageTools): Promise<FrozenDataset> {
  const found = await findSourceFiles({ ...input, signal: tools.signal });
  return withScratch(async (scratch) => {
    const db = await openDuckDb({ signal: tools.signal, scratch });
    try {
      const sources: Record<string, SourceManifest> = {};
      let again = 0;
      for (const files of found) {
        const frozen: FrozenFile[] = [];
        for (const offer of files.offers) {
          tools.signal.throwIfAborted();
          tools.progress(`freezing ${offer.name}`);
          frozen.push(await freezeFile({ ...input, db, scratch }, { source: files.source, offer }, tools));
        }
        again += frozen.filter((file) => file.again).length;
        sources[files.source] = await manifestOf(db, input, { files, frozen });
      }
      const manifest = { rows: input.data.rows, sources };
      return { manifest, summary: summarise(manifest, found, again) };
    } finally {
      db.close();
    }
  });
}

async function freezeFile(
  place: { store: ArtifactAccess; memory?: FileMemory; db: DuckDb; scratch: string },
  { source, offer }: { source: string; offer: Offer },
  tools: StageTools,
): Promise<FrozenFile> {
  const { store, memory, db } = place;
  // By rule: a file that an older program has looked at is looked at once more.
  const key = offer.place === null ? null : `${readingRule}:${offer.format}:${offer.encoding}:${offer.place}`;
  const known = key === null ? null : await stillKept(store, (await memory?.recall(key)) ?? null);
  const brought = await offer.bring(known?.fingerprint ?? null, place.scratch, tools);
  if (brought.unchanged) {
    if (known === null) throw new TypeError(`${offer.name} is called unchanged, and nothing is known of it.`);
    const { digest, bytes, content } = known;
    return { name: offer.name, digest, bytes, rows: content.rows, content, again: true };
  }
  const kept = await keep(store, brought.file);
  const { format, encoding } = offer;
  const content = await inspectFile(db, { source, name: offer.name, format, encoding, path: await store.pathOf(kept.digest) });
  if (key !== null && brought.fingerprint !== null)
    await memory?.keep(key, { ...kept, fingerprint: brought.fingerprint, content });
  return { name: offer.name, ...kept, rows: content.rows, content, again: false };
}

async function keep(store: ArtifactAccess, file: string | FileHandle): Promise<{ digest: Digest; bytes: number }> {
  try {
    return await store.putFile(file);
  } finally {
    if (typeof file !== "string") await file.close();
  }
}

/** What is remembered counts only while the store still holds the bytes. */
async function stillKept(store: ArtifactAccess, known: KnownFile | null): Promise<KnownFile | null> {
  if (known === null) return null;
  try {
    return (await stat(await store.pathOf(known.digest))).size === known.bytes ? known : null;
  } catch (error) {
    if (error instanceof CountersignError && error.code === "not-found") return null;
    throw error;
  }
}

async function manifestOf(
  db: DuckDb,
  { store, contract }: Pick<FreezeInput, "store" | "contract">,
  { files, frozen }: { files: SourceFiles; frozen: FrozenFile[] },
): Promise<SourceManifest> {
  const { source, definition, months } = files;
  const shape = oneSchema(source, frozen);
  const { encoding } = definition;
  const manifest: SourceManifest = {
    ...shape,
    reading: readingRule,
    ...(encoding === undefined || encoding === "utf-8" ? {} : { encoding }),
    rows: frozen.reduce((rows, file) => rows + file.rows, 0),
    ...(months === null ? {} : { until: months.until }),
    files: frozen.map(({ name, digest, bytes, rows }) => ({ name, digest, bytes, rows })),
  };
  const window = windowOf(files, months, contract);
  if (window === null) return manifest;
  const path = `data.sources.${source}.time`;
  if (!shape.columns.some((column) => column.name === window.column)) {
    const message = `${source} has no column ${window.column}, by which its window is chosen`;
    throw new CountersignError("source-schema", `${message}.`, { faults: [{ path, message }] });
  }
  const windowed = { ...manifest, window };
  const paths = await Promise.all(frozen.map((file) => store.pathOf(file.digest)));
  const [total] = await db.rows(`SELECT count(*) AS n FROM (${await sourceQuery(windowed, paths)})`);
  const rows = Number(total?.["n"]);
  if (rows > 0) return { ...windowed, rows };
  const message = `None of the ${count(manifest.rows)} rows of ${source} lies between ${window.from} and ${window.until} by ${window.column}`;
  throw new CountersignError("too-few-rows", `${message}.`, { faults: [{ path, message }] });
}

/** A window by name has chosen its files already. */
function windowOf(
  { source, definition }: SourceFiles,
  months: Months | null,
  contract: DataContract | undefined,
): NonNullable<SourceManifest["window"]> | null {
  const column = definition.time;
  if (months === null || column === undefined || definition.files?.includes("{month}") === true) return null;
  const table = contract?.schema.find(({ name }) => name === source);
  const described = table?.properties.find(({ name, physicalName }) => (physicalName ?? name) === column);
  const { format, timezone } = described?.logicalTypeOptions ?? {};
  const options = { ...(format === undefined ? {} : { format }), ...(timezone === undefined ? {} : { timezone }) };
  return { column, from: months.from, until: months.until, ...(Object.keys(options).length === 0 ? {} : { options }) };
}

function summarise(manifest: DatasetManifest, found: SourceFiles[], again: number): string {
  const main = manifest.sources[manifest.rows];
  const months = found.find((source) => source.source === manifest.rows)?.months?.months ?? [];
  const [from = "", until = ""] = [months[0], months.at(-1)];
  const span = months.length === 0 ? "" : from === until ? ` (${from})` : ` (${from} to ${until})`;
  const others = Object.entries(manifest.sources)
    .filter(([name]) => name !== manifest.rows)
    .map(([name, source]) => `${name} (${count(source.rows)})`);
  const files = main?.files.length ?? 0;
  const joined = others.length < 2 ? others.join("") : `${others.slice(0, -1).join(", ")} and ${others.at(-1)}`;
  const unread = again === 0 ? "" : `; ${again} unchanged file${again === 1 ? "" : "s"} not read again`;
  return `${count(main?.rows ?? 0)} rows of ${manifest.rows} from ${files} file${files === 1 ? "" : "s"}${span}${others.length > 0 ? `, with ${joined}` : ""}${unread}`;
}

import type { DataContract } from "../../domain/contract-schema.ts";
import type { DataDifference, DataProfile, SourceDifference, SourceProfile } from "../../domain/data-profile.ts";
import type { VersionId } from "../../domain/ids.ts";
import type { DatasetManifest } from "../../domain/stage-results.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { count } from "../count-words.ts";
import { jensenShannonDistance, populationStabilityIndex } from "../drift/effect-size.ts";
import { openDuckDb } from "../duckdb.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import { profileSource, type Profiled } from "./profile-source.ts";
import { typedSource } from "./typed-source.ts";

/** Effects from which a column is marked: the customary bounds of PSI, the same as monitoring begins with. */
const limits = { warn: 0.1, alert: 0.25 };
/** DuckDB's row group: on fewer rows a second thread finds no work and costs its handing over (1.5 s of CPU instead of 2.5 s, 80,000 × 19). */
const rowsOfOneThread = 122_880;

/** Describes all sources of a dataset, and how they differ from those of the champion, where there is one. */
export async function profileDataset(
  input: {
    store: ArtifactAccess;
    manifest: DatasetManifest;
    contract: DataContract;
    champion: { version: VersionId; profile: DataProfile } | null;
  },
  { signal, progress }: StageTools,
): Promise<{ profile: DataProfile; difference: DataDifference | null }> {
  const { store, manifest, contract, champion } = input;
  return withScratch(async (scratch) => {
    const most = Math.max(0, ...Object.values(manifest.sources).map(({ rows }) => rows));
    const db = await openDuckDb({ scratch, signal, memoryMb: 512, threads: most <= rowsOfOneThread ? 1 : 2 });
    try {
      const profile: DataProfile = { sources: {} };
      const differing: DataDifference["sources"] = {};
      for (const name of Object.keys(manifest.sources)) {
        signal.throwIfAborted();
        progress(`describing ${count(manifest.sources[name]?.rows ?? 0)} rows of ${name}`);
        const reference = champion?.profile.sources[name] ?? null;
        const found = await profileSource(db, await typedSource({ store, manifest, contract, name }), reference);
        profile.sources[name] = found.profile;
        if (reference !== null) differing[name] = differenceOf(reference, found);
      }
      return { profile, difference: champion === null ? null : { ...setsOf(champion, profile), sources: differing } };
    } finally {
      db.close();
    }
  });
}

function setsOf(champion: { version: VersionId; profile: DataProfile }, now: DataProfile) {
  const before = champion.profile;
  return {
    champion: champion.version,
    sourcesAdded: Object.keys(now.sources).filter((name) => !(name in before.sources)),
    sourcesRemoved: Object.keys(before.sources).filter((name) => !(name in now.sources)),
  };
}

function differenceOf(before: SourceProfile, { profile: now, onReference }: Profiled): SourceDifference {
  const earlier = new Map(before.columns.map((column) => [column.name, column]));
  const later = new Map(now.columns.map((column) => [column.name, column]));
  const shared = now.columns.flatMap((column) => {
    const old = earlier.get(column.name);
    return old === undefined ? [] : [{ old, column }];
  });
  return {
    rows: { before: before.rows, now: now.rows },
    added: now.columns.map(({ name }) => name).filter((name) => !earlier.has(name)),
    removed: before.columns.map(({ name }) => name).filter((name) => !later.has(name)),
    retyped: shared.flatMap(({ old, column }) =>
      old.type === column.type ? [] : [{ name: column.name, before: old.type, now: column.type }],
    ),
    columns: shared.map(({ old, column }) => {
      const missing = { before: share(old.missing, before.rows), now: share(column.missing, now.rows) };
      const found = onReference[column.name];
      const spread = old.spread;
      const referenceRows = Math.max(1, Math.round(before.sampled * (1 - missing.before)));
      const measured =
        found === undefined || spread === null
          ? null
          : spread.kind === "number"
            ? populationStabilityIndex({
                reference: spread.shares,
                window: found.shares,
                referenceRows,
                windowRows: found.present,
              })
            : jensenShannonDistance({
                reference: [...Object.values(spread.values), spread.other],
                window: found.shares,
                referenceRows,
                windowRows: found.present,
              });
      const absent = populationStabilityIndex({
        reference: [missing.before, 1 - missing.before],
        window: [missing.now, 1 - missing.now],
        referenceRows: Math.max(1, before.rows),
        windowRows: Math.max(1, now.rows),
      });
      const worst = Math.max(...[measured, absent].map((one) => (one === null || one.value <= one.noise ? 0 : one.value)));
      return {
        name: column.name,
        effect: measured?.value ?? null,
        method: measured === null ? null : spread?.kind === "number" ? "psi" : "jensen-shannon",
        missing,
        verdict: worst >= limits.alert ? "alert" : worst >= limits.warn ? "warn" : "steady",
      };
    }),
  };
}

function share(part: number, rows: number): number {
  return rows === 0 ? 0 : part / rows;
}

/** "2 columns moved (dep_delay, temp)": nothing where nothing did. */
export function differenceInWords({ champion, sources, sourcesAdded, sourcesRemoved }: DataDifference): string {
  const moved = Object.values(sources).flatMap((one) => one.columns.filter(({ verdict }) => verdict !== "steady"));
  const shape = Object.values(sources).flatMap((one) => [...one.added, ...one.removed, ...one.retyped.map(({ name }) => name)]);
  const changed = [...sourcesAdded, ...sourcesRemoved, ...shape];
  const names = (list: string[]) => (list.length > 3 ? `${list.slice(0, 3).join(", ")} …` : list.join(", "));
  const parts = [
    moved.length === 0
      ? ""
      : `${moved.length} column${moved.length === 1 ? "" : "s"} moved (${names(moved.map(({ name }) => name))})`,
    changed.length === 0 ? "" : `other columns (${names(changed)})`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? `much like the data of ${champion}` : `against ${champion}: ${parts.join(", ")}`;
}

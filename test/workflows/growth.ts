import { sql } from "kysely";
import { createArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import type { World } from "../world/world.ts";

/** Bytes. */
export interface Size {
  artifacts: number;
  /** Of rows as they are stored, compressed where they are, without indices and empty room. */
  records: number;
}

export async function sizeOf(world: World): Promise<Size> {
  const artifacts = [...(await createArtifactSweep(world.artifacts).list()).values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const { rows: tables } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public'`.execute(world.db);
  const sizes = tables.map(
    ({ name }) => sql`select coalesce(sum(pg_column_size(t.*)), 0)::int as bytes from ${sql.table(name)} t`,
  );
  const { rows } = await sql<{ bytes: number }>`${sql.join(sizes, sql` union all `)}`.execute(world.db);
  return { artifacts, records: rows.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** How much more there is since, and what these workflows' histories take in Temporal. */
export async function grownSince(world: World, before: Size, workflows: string[]): Promise<Size & { histories: number }> {
  const now = await sizeOf(world);
  const described = await Promise.all(workflows.map((id) => world.client.workflow.getHandle(id).describe()));
  return {
    artifacts: now.artifacts - before.artifacts,
    records: now.records - before.records,
    histories: described.reduce((sum, { historySize }) => sum + (historySize ?? 0), 0),
  };
}

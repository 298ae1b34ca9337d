import { sql } from "kysely";
import type { MonitorWindow } from "../domain/evidence.ts";
import type { Digest, ModelName, Timestamp, VersionId } from "../domain/ids.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

export interface Enrolment {
  model: ModelName;
  environment: string;
  version: VersionId;
  /** Artifact: the ReferenceProfile. */
  profile: Digest;
}

/** Has a version watched, instead of the one before it. True when that changed anything. */
export async function enrol(db: Db, { model, environment, version, profile }: Enrolment, why: string): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .insertInto("enrolments")
      .values({ model, environment, version_id: version, profile })
      .onConflict((conflict) =>
        conflict
          .columns(["model", "environment"])
          .doUpdateSet({ version_id: version, profile, enrolled_at: new Date() })
          .where(sql<boolean>`(enrolments.version_id, enrolments.profile) is distinct from (${version}, ${profile})`),
      )
      .returning("model")
      .executeTakeFirst();
    if (row === undefined) return false;
    await appendAudit(trx, [
      { kind: "monitor.enrolled", actor: "countersign", model, subject: version, data: { environment, profile, why } },
    ]);
    return true;
  });
}

/** Each enrolled slot with its champion now, and that version's own profile where its release kept one. */
export interface WatchedSlot {
  model: ModelName;
  environment: string;
  enrolled: VersionId;
  champion: VersionId | null;
  profile: Digest | null;
}

export async function readWatchedSlots(
  db: Db,
  only: { model: ModelName; environment: string } | null = null,
): Promise<WatchedSlot[]> {
  const { rows } = await sql<WatchedSlot>`
    select e.model, e.environment, e.version_id as enrolled, s.champion_version as champion,
      case when s.champion_version = e.version_id then e.profile else r.result ->> 'profile' end as profile
    from enrolments e
    join models m on m.name = e.model and m.state <> 'retired'
    join slots s on s.model = e.model and s.environment = e.environment
    left join release_stages r on r.release_id = s.champion_version and r.stage = 'monitor'
    where ${only === null ? sql`true` : sql`e.model = ${only.model} and e.environment = ${only.environment}`}
    order by e.model, e.environment`.execute(db);
  return rows;
}

export interface LastLooks {
  /** The newest window with a verdict. */
  concluded: { to: Timestamp; verdict: MonitorWindow["verdict"] } | null;
  /** True when the newest window still has too few rows. */
  open: boolean;
  /** The database's time, from which windows are measured: that of the predictions' own `at`. */
  now: Timestamp;
}

export async function readLastLooks(db: Db, { model, environment, version }: Omit<Enrolment, "profile">): Promise<LastLooks> {
  const { rows } = await sql<{ now: Date; to_at: Date | null; verdict: MonitorWindow["verdict"] | null; open: boolean }>`
    select now() as now, c.to_at, c.verdict, exists (
        select from monitor_windows w where w.model = ${model} and w.environment = ${environment} and w.version_id = ${version}
          and w.verdict = 'too-few' and (c.to_at is null or w.to_at > c.to_at)
      ) as open
    from (select 1) as one left join lateral (
      select to_at, verdict from monitor_windows
      where model = ${model} and environment = ${environment} and version_id = ${version} and verdict <> 'too-few'
      order by to_at desc limit 1
    ) as c on true`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error("A statement without a table gave no row.");
  const concluded = row.to_at === null || row.verdict === null ? null : { to: row.to_at.toISOString(), verdict: row.verdict };
  return { concluded, open: row.open, now: row.now.toISOString() };
}

/**
 * Keeps one look. A window that had too few rows is replaced by the next one, which begins where it
 * began, so that a quiet model has one open window and not one a minute. In the audit chain stands
 * what has a verdict, and the first window that has none.
 */
export async function recordWindow(
  db: Db,
  input: { watched: Omit<Enrolment, "profile">; window: MonitorWindow; audited: boolean },
): Promise<void> {
  const { watched, window, audited } = input;
  const { model, environment, version } = watched;
  await db.transaction().execute(async (trx) => {
    await trx
      .deleteFrom("monitor_windows")
      .where("model", "=", model)
      .where("environment", "=", environment)
      .where("version_id", "=", version)
      .where("verdict", "=", "too-few")
      .execute();
    const written = await trx
      .insertInto("monitor_windows")
      .values({
        model,
        environment,
        version_id: version,
        from_at: window.from,
        to_at: window.to,
        rows: window.rows,
        verdict: window.verdict,
        body: JSON.stringify(window),
      })
      .onConflict((conflict) => conflict.columns(["model", "environment", "version_id", "to_at"]).doNothing())
      .returning("to_at")
      .executeTakeFirst();
    if (!audited || written === undefined) return;
    const worst = [...window.columns]
      .filter((column) => column.verdict !== "steady")
      .map(({ name, effect, verdict, missing, referenceMissing, missingEffect }) => ({
        name,
        effect,
        verdict,
        missing,
        referenceMissing,
        ...(missingEffect === undefined ? {} : { missingEffect }),
      }));
    const data = { environment, from: window.from, to: window.to, rows: window.rows, verdict: window.verdict, columns: worst };
    await appendAudit(trx, [{ kind: "monitor.looked", actor: "countersign", model, subject: version, data }]);
  });
}

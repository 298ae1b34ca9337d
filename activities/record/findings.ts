import { randomBytes } from "node:crypto";
import type { Row } from "../../db/schema.ts";
import { closersOf, type FindingKind } from "../../domain/finding.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { momentInWords } from "../../domain/wording.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import type { Unit } from "./transaction.ts";

export interface NewFinding {
  model: string;
  kind: FindingKind;
  title: string;
  /** One cause opens one finding. */
  key?: string;
  /** The cause may come back after its finding was closed, and opens another one then. */
  again?: boolean;
  gate?: string | null;
  version?: string | null;
  by: string;
}

/** Opens a finding, or gives the one that the same cause opened before. */
export async function openFinding({ trx, note }: Unit, finding: NewFinding): Promise<{ id: string; opened: boolean }> {
  const { model, kind, title, key, again, gate, version, by } = finding;
  if (key !== undefined) {
    let before = trx.selectFrom("findings").select("id").where("key", "=", key);
    if (again === true) before = before.where("closed_at", "is", null);
    const found = await before.executeTakeFirst();
    if (found) return { id: found.id, opened: false };
  }
  const id = `fnd_${randomBytes(6).toString("hex")}`;
  await trx
    .insertInto("findings")
    .values({ id, model, kind, title, key: key ?? null, gate_id: gate ?? null, version_id: version ?? null, opened_by: by })
    .execute();
  note({
    kind: "finding.opened",
    actor: by,
    model,
    subject: id,
    data: { kind, title, ...(gate && { gate }), ...(version && { version }) },
  });
  return { id, opened: true };
}

/** Closes a finding with a reason; who may is said by `closersOf`. */
export async function closeFinding(deps: RecordDeps, command: CommandOf<"close-finding">): Promise<{ ok: true } | Refused> {
  const model = claimed(command, "model");
  const rule = { action: "close-finding", subject: model, model } as const;
  const outcome = await carryOut(deps, { command, rule }, async ({ trx, note }, actor): Promise<Outcome<{ finding: string }>> => {
    const { finding, reason } = command.body;
    const row = await trx
      .selectFrom("findings")
      .selectAll()
      .where("id", "=", finding)
      .where("model", "=", model)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (!row) return refused("not-found", `${model} has no finding ${finding}.`);
    if (row.closed_at !== null)
      return refused(
        "already-decided",
        `${finding} was closed by ${row.closed_by} on ${momentInWords(row.closed_at.toISOString())}.`,
      );
    const may = closersOf(await requestOf(trx, row.gate_id), await ownerTeam(trx, model));
    const barred = may.barred.includes(actor.id);
    if (barred || !may.groups.some((group) => actor.groups.includes(group)))
      return refused(
        "forbidden",
        `${finding} is closed by ${may.groups.join(" or ")}${barred ? `, and not by ${actor.id}, who contributed` : ""}.`,
      );
    await trx
      .updateTable("findings")
      .set({ closed_by: actor.id, closed_at: new Date(), closing: reason })
      .where("id", "=", finding)
      .execute();
    note({ kind: "finding.closed", actor: actor.id, model, subject: finding, data: { command: command.id, reason } });
    return { ok: true, result: { finding } };
  });
  return outcome.ok ? { ok: true } : outcome;
}

async function ownerTeam(trx: Unit["trx"], model: string): Promise<string> {
  const row = await trx.selectFrom("models").select("owner_team").where("name", "=", model).executeTakeFirstOrThrow();
  return row.owner_team;
}

async function requestOf(trx: Unit["trx"], gate: string | null): Promise<Row<"gates">["request"] | null> {
  if (gate === null) return null;
  const row = await trx.selectFrom("gates").select("request").where("id", "=", gate).executeTakeFirstOrThrow();
  return row.request;
}

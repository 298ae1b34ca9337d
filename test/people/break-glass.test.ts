import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sql } from "kysely";
import type { GateId } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { applyExample, freeze, makeVersion, model, promote, waitAtGate } from "../records/passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "../records/registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});
afterEach(() => registry?.stop());

type Body = CommandOf<"break-glass">["body"];
const command = (by: string, change: Partial<Body> = {}) =>
  registry.sign(by, {
    kind: "break-glass",
    model,
    action: "promote",
    environment: "production",
    version: `${model}.1`,
    reason: "customers are turned away",
    ...change,
  });

async function breakGlass(by: string, change: Partial<Body> = {}) {
  const answer = await registry.records.breakGlass(command(by, change));
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer;
}

const slot = () => registry.db.selectFrom("slots").selectAll().where("model", "=", model).executeTakeFirstOrThrow();
const approvals = () => registry.db.selectFrom("approvals").selectAll().orderBy("at").execute();
const row = (gate: GateId) => registry.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirstOrThrow();

/** The review's own workflow opens it; then somebody decides. */
async function decide(
  gate: GateId,
  by: string,
  decision: "approve" | "reject",
  reason: string | null = "looked at the evidence",
) {
  await registry.records.openGate({ gate, runId: `run-${gate}` });
  const { request_digest: digest } = await row(gate);
  const vote = registry.sign(by, {
    kind: "decide",
    gate,
    decision,
    digest,
    seen: null,
    reason,
    returnTo: null,
    parameters: {},
    inputs: {},
  });
  return registry.records.closeGate({ gate, commands: [vote] });
}

describe("a promotion by break-glass", () => {
  test("makes a version that nobody approved the champion, once, and freezes its review in the same transaction", async () => {
    await makeVersion(registry, 1);
    const asked = command("olga");
    const answer = await twice(registry.db, () => registry.records.breakGlass(asked));
    expect(answer).toMatchObject({ ok: true, review: `${model}.break-glass.1` });
    expect(await slot()).toMatchObject({ epoch: 1, champion_version: `${model}.1` });
    expect(await approvals()).toMatchObject([
      { kind: "break-glass", gate_id: null, command: { id: asked.id, principal: "olga" } },
    ]);
    const review = await row(`${model}.break-glass.1`);
    expect(review).toMatchObject({ state: "opening", subject_kind: "deployment", release_id: null });
    expect(review.request).toMatchObject({
      excluded: [{ principal: "olga", why: "broke the glass" }],
      why: "olga broke the glass: customers are turned away",
      evidence: { evaluation: expect.stringMatching(/^sha256:/), rollbackTarget: null },
    });
    expect(await auditKinds(registry.db, `${model}.1`)).toEqual(
      expect.arrayContaining(["approval.recorded", "deployment.promoted", "deployment.break-glass"]),
    );
    const findings = await registry.db.selectFrom("findings").select(["kind", "closed_at", "gate_id"]).execute();
    expect(findings).toEqual([{ kind: "break-glass", closed_at: null, gate_id: `${model}.break-glass.1` }]);
  });

  test("stands when the review approves; who broke the glass does not decide on it", async () => {
    await makeVersion(registry, 1);
    const { review } = await breakGlass("olga");
    const own = await decide(review, "olga", "approve");
    expect(own.kind).toBe("open");
    const closed = await decide(review, "grace", "approve");
    expect(closed).toMatchObject({ kind: "closed", resolution: "approved" });
    expect(await slot()).toMatchObject({ epoch: 1, champion_version: `${model}.1` });
    expect((await approvals())[0]?.revoked_at).toBeNull();
    expect(await auditKinds(registry.db, `${model}.1`)).toContain("break-glass.reviewed");
    expect((await registry.db.selectFrom("findings").selectAll().execute())[0]).toMatchObject({ closed_by: "grace" });
  });

  test("is revoked when the review rejects, and the champion before serves again in the same transaction", async () => {
    await promote(registry, 1);
    await makeVersion(registry, 2);
    const { review } = await breakGlass("olga", { version: `${model}.2` });
    expect(await slot()).toMatchObject({ epoch: 2, champion_version: `${model}.2` });
    expect((await row(review)).request.evidence).toMatchObject({ champion: `${model}.2`, rollbackTarget: `${model}.1` });
    await decide(review, "grace", "reject", "there was no emergency");
    expect(await slot()).toMatchObject({ epoch: 3, champion_version: `${model}.1` });
    const revoked = (await approvals()).find((one) => one.kind === "break-glass");
    expect(revoked).toMatchObject({ revoked_why: expect.stringContaining("there was no emergency") });
    expect(revoked?.revoked_at).not.toBeNull();
  });

  test("leaves an empty slot when the review rejects the very first champion", async () => {
    await makeVersion(registry, 1);
    const { review } = await breakGlass("olga");
    await decide(review, "grace", "reject", "not evaluated well enough");
    expect(await slot()).toMatchObject({ champion_version: null, champion_approval: null });
  });

  test("can be done again after it was revoked, by a new command with a new review", async () => {
    await makeVersion(registry, 1);
    await decide((await breakGlass("olga")).review, "grace", "reject", "no");
    expect((await breakGlass("olga")).review).toBe(`${model}.break-glass.2`);
    expect(await slot()).toMatchObject({ champion_version: `${model}.1` });
    expect((await approvals()).map((one) => one.revoked_at === null)).toEqual([false, true]);
  });

  test("does not stand in the way of the version's own gate, whose approval then counts instead", async () => {
    const waiting = await waitAtGate(registry, 1);
    const { review } = await breakGlass("olga");
    expect((await row(waiting.gate)).stale).toContain(`${model}.1`);
    await registry.records.renewGate({ gate: waiting.gate });
    const anew = await freeze(registry, waiting.release);
    expect(await decide(anew.gate, "grace", "approve")).toMatchObject({ resolution: "approved" });
    await registry.records.deploy({ release: waiting.release });
    const proper = (await approvals()).find((one) => one.kind === "gate");
    expect(await slot()).toMatchObject({ epoch: 2, champion_approval: proper?.id });
    await decide(review, "george", "reject", "the gate was near");
    expect(await slot()).toMatchObject({ epoch: 2, champion_version: `${model}.1`, champion_approval: proper?.id });
    expect((await approvals()).find((one) => one.kind === "break-glass")?.revoked_at).not.toBeNull();
  });

  test("is refused to whoever may not and where there is nothing to move, on record, and moves nothing", async () => {
    await makeVersion(registry, 1);
    const attempts: [string, Partial<Body>, string][] = [
      ["ada", {}, "forbidden"],
      ["ci", {}, "forbidden"],
      ["olga", { version: `${model}.9` }, "not-found"],
      ["olga", { environment: "staging" }, "not-found"],
      ["olga", { version: null }, "invalid"],
      ["olga", { action: "rollback", version: null }, "no-champion"],
    ];
    for (const [by, change, code] of attempts)
      expect(await registry.records.breakGlass(command(by, change))).toMatchObject({ ok: false, code });
    expect(await slot()).toMatchObject({ epoch: 0, champion_version: null });
    const refused = (await auditKinds(registry.db, model)).filter((kind) => kind === "command.refused");
    expect(refused).toHaveLength(attempts.length);
    expect(await registry.db.selectFrom("gates").selectAll().where("name", "=", "break-glass").execute()).toEqual([]);
  });

  test("is refused while the bytes are not those of the version", async () => {
    await makeVersion(registry, 1);
    await registry.adminDb.transaction().execute(async (trx) => {
      await sql`alter table versions disable trigger versions_immutable`.execute(trx);
      await sql`update versions set manifest = jsonb_set(manifest, '{threshold}', '0.9')`.execute(trx);
      await sql`alter table versions enable trigger versions_immutable`.execute(trx);
    });
    expect(await registry.records.breakGlass(command("olga"))).toMatchObject({ ok: false, code: "digest-mismatch" });
  });

  test("cannot be forged: neither a message without control's token, nor a row without its command", async () => {
    await promote(registry, 1);
    await makeVersion(registry, 2);
    const forged = { ...command("olga", { version: `${model}.2` }), principal: "ada" };
    expect(await registry.records.breakGlass(forged)).toMatchObject({ ok: false, code: "not-signed" });
    const { policy_id, policy_version } = (await approvals())[0] ?? {};
    const version = await registry.db.selectFrom("versions").selectAll().where("id", "=", `${model}.2`).executeTakeFirstOrThrow();
    await registry.db
      .insertInto("approvals")
      .values({
        id: "apr_forged",
        version_id: version.id,
        version_digest: version.digest,
        environment: "production",
        kind: "break-glass",
        policy_id: policy_id ?? "",
        policy_version: policy_version ?? 0,
        // A true command, but of another approval.
        command: JSON.stringify(command("olga", { version: `${model}.2` })),
      })
      .execute();
    const rollback = registry.sign("olga", {
      kind: "rollback",
      model,
      environment: "production",
      to: version.id,
      reason: "forged",
    });
    expect(await registry.records.rollBack(rollback)).toMatchObject({ ok: false, code: "not-signed" });
    expect(await slot()).toMatchObject({ champion_version: `${model}.1` });
  });
});

describe("a rollback by break-glass", () => {
  test("goes back at once; rejecting its review brings the version back that was left", async () => {
    await promote(registry, 1);
    await promote(registry, 2);
    const { review } = await breakGlass("olga", { action: "rollback", version: null });
    expect(await slot()).toMatchObject({ epoch: 3, champion_version: `${model}.1` });
    await decide(review, "grace", "reject", "the new one was fine");
    expect(await slot()).toMatchObject({ epoch: 4, champion_version: `${model}.2` });
    expect((await approvals()).every((one) => one.revoked_at === null)).toBe(true);
  });

  test("is not undone by a late rejection once somebody moved the slot again", async () => {
    await promote(registry, 1);
    await promote(registry, 2);
    const { review } = await breakGlass("olga", { action: "rollback", version: null });
    await promote(registry, 3);
    await decide(review, "grace", "reject", "too late");
    expect(await slot()).toMatchObject({ champion_version: `${model}.3` });
  });
});

describe("a review whose workflow died or whose id was taken", () => {
  test("is asked anew under the next number, about the same deployment", async () => {
    await makeVersion(registry, 1);
    const { review } = await breakGlass("olga");
    await registry.records.giveUpReview({ gate: review, why: "its workflow ended in silence" });
    const [next] = await registry.records.reviewsToOpen({ model });
    expect(next?.gate).toBe(`${model}.break-glass.2`);
    expect(await registry.records.reviewsToOpen({ model })).toEqual([next]);
    const [old, fresh] = [await row(review), await row(next?.gate ?? "")];
    expect(old).toMatchObject({ resolution: "superseded", superseded_by: next?.gate });
    expect(fresh.request).toMatchObject({ subject: old.request.subject, changed: { gate: review } });
    await decide(fresh.id, "grace", "reject", "no");
    expect(await slot()).toMatchObject({ champion_version: null });
  });
});

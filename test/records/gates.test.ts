import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOfJson } from "../../domain/digest.ts";
import {
  applyExample,
  decision,
  makeVersion,
  model,
  recordVersion,
  requestRelease,
  waitAtGate,
  type OpenGate,
  freeze,
} from "./passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});

afterEach(() => registry.stop());

const readRow = (gate: string) => registry.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirstOrThrow();
const close = (at: OpenGate, ...commands: Parameters<Registry["records"]["closeGate"]>[0]["commands"]) =>
  twice(registry.db, () => registry.records.closeGate({ gate: at.gate, commands }));

test("a request is frozen once, from what the database holds", async () => {
  const release = await makeVersion(registry, 1);
  const frozen = await twice(registry.db, () => freeze(registry, release));
  const { request, subject_digest } = await readRow(frozen.gate);
  expect(frozen).toEqual({ gate: `${model}.1.promotion.1`, digest: digestOfJson(request), verdict: "pass" });
  expect(request).toMatchObject({
    subject: { kind: "version", id: release, digest: subject_digest },
    why: "ada requested flight-delays.1 (cli): new data",
    deciders: { groups: ["model-risk"], quorum: 1 },
    excluded: [{ principal: "ada", why: expect.stringContaining("requested this release") }],
    policy: { id: "medium-managed", version: 1 },
    onDeadline: "hold",
    evidence: {
      recommendation: {
        verdict: "pass",
        sentence: "Recommended: AUC 0.7100 (0.7000 to 0.7200) on 20,000 rows, threshold 0.6500.",
      },
      stages: ["ingest", "validate", "featurize", "train", "evaluate"].map((stage) => expect.objectContaining({ stage })),
      trainingMs: 1234,
      champion: null,
      requestedBy: "ada",
      tier: "medium",
    },
  });
  expect(new Date(request.deadline).getTime() - new Date(request.opensAt).getTime()).toBe(7 * 24 * 3600 * 1000);
});

test("opening lets the release wait, and says for whom", async () => {
  const release = await makeVersion(registry, 1);
  const { gate, digest } = await freeze(registry, release);
  const opening = await twice(registry.db, () => registry.records.openGate({ gate, runId: "a" }));
  expect(opening).toMatchObject({ kind: "open", request: { digest, release, model, tier: "medium", deciders: { quorum: 1 } } });
  const row = await registry.db.selectFrom("releases").selectAll().where("id", "=", release).executeTakeFirstOrThrow();
  expect(row).toMatchObject({
    state: "waiting",
    waits_for: `Waits for model-risk to decide at ${gate}: May this version become the champion?`,
  });
});

test("a decided gate that is started again keeps its resolution, and the second start is on record once a run", async () => {
  const at = await waitAtGate(registry, 1);
  await close(at, decision(registry, at, "grace"));
  const reopen = (runId: string) => twice(registry.db, () => registry.records.openGate({ gate: at.gate, runId }));
  expect(await reopen("gate-run-1")).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await reopen("reset-1")).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await reopen("reset-2")).toMatchObject({ kind: "closed", resolution: "approved" });
  expect((await auditKinds(registry.db, at.gate)).slice(4)).toEqual(["gate.reopening-refused", "gate.reopening-refused"]);
});

test("a gate that nobody froze is unknown, and its start is on record", async () => {
  const gate = `${model}.7.promotion.1`;
  expect(await twice(registry.db, () => registry.records.openGate({ gate, runId: "by-hand" }))).toEqual({ kind: "unknown" });
  expect(await auditKinds(registry.db, gate)).toEqual(["message.refused"]);
});

test("a gate id that somebody took is given up, and the next request has the next number", async () => {
  const release = await makeVersion(registry, 1);
  const { gate } = await freeze(registry, release);
  await twice(registry.db, () => registry.records.gateIdTaken({ gate }));
  expect(await auditKinds(registry.db, gate)).toEqual(["gate.frozen", "gate.id-taken", "gate.closed"]);
  const next = await freeze(registry, release);
  expect(next.gate).toBe(`${model}.1.promotion.2`);
  expect(await readRow(gate)).toMatchObject({ resolution: "superseded", superseded_by: next.gate });
});

test("a report that the id of an open gate was taken changes nothing", async () => {
  const at = await waitAtGate(registry, 1);
  await registry.records.gateIdTaken({ gate: at.gate });
  expect(await readRow(at.gate)).toMatchObject({ state: "open" });
});

test("the evidence of a successor names what its parent's reviewers asked for, and what was decided before", async () => {
  const at = await waitAtGate(registry, 1);
  await close(
    at,
    decision(registry, at, "grace", { decision: "request-changes", reason: "more months", parameters: { months: 6 } }),
  );
  await registry.records.endRelease({ release: at.release, outcome: "changes-requested", next: null, summary: "" });
  const release = `${model}.2`;
  await registry.records.createRelease({
    model,
    release,
    number: 2,
    command: null,
    parent: { release: at.release, gate: at.gate },
  });
  await registry.records.startRelease({ release, runId: "run-2" });
  await recordVersion(registry, release);
  const { gate } = await freeze(registry, release);
  expect((await readRow(gate)).request.evidence).toMatchObject({
    parent: at.release,
    parentRequest: "more months",
    parameters: { months: 6 },
    previousDecisions: [{ gate: at.gate, resolution: "changes-requested", by: "grace", outcome: "changes-requested" }],
  });
});

test("a gate that the policy does not name is never frozen", async () => {
  const { release } = await requestRelease(registry, 1);
  await expect(registry.records.freezeGate({ release, gate: "backdoor" })).rejects.toMatchObject({
    type: "invalid",
    nonRetryable: true,
  });
});

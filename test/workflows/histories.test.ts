import { utimes } from "node:fs/promises";
import { temporal } from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectArtifacts } from "../../activities/retention/collect-artifacts.ts";
import { placeOf } from "../../artifacts/artifact-place.ts";
import { createArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { workflowBundle } from "../setup/temporal.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";
import { grownSince, sizeOf } from "./growth.ts";
import { readRecorded } from "./history-features.ts";
import { historyOf } from "./recorded.ts";

/**
 * A change of code never breaks a release that waits: the histories in histories/ were recorded by
 * earlier code and must replay. A change that breaks one needs `patched()`. To add the histories
 * of today's code: COUNTERSIGN_RECORD=<name> npm test -- test/workflows/histories.test.ts test/workflows/shapes.test.ts. Every
 * test with a world hands its histories to the recorder too; what shows nothing new is not kept.
 */
const recorded = await readRecorded();
const names = recorded.map(({ name }) => name);

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

const eventName = (type: number | null | undefined) => temporal.api.enums.v1.EventType[type ?? 0] ?? "";

describe("recorded histories", () => {
  it("are there for a gate, a release, a lifecycle, a search, a training elsewhere and a second training", () => {
    for (const kind of ["gate", "release", "lifecycle", "courier", "searched", "task-queue", "reproduction"])
      expect(
        names.filter((name) => name.includes(kind)),
        kind,
      ).not.toEqual([]);
  });

  it.each(recorded)("of $name replay on today's code", async ({ workflowId, history }) => {
    await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, workflowId);
  });
});

describe("the length of a history", () => {
  it("of a promoted release and its gate is what it was: golden numbers", async () => {
    await apply(world, await smallModel("golden", "medium"));
    const before = await sizeOf(world);
    const release = await promote(world, "golden");
    const gate = await historyOf(world, `gate/${release.gates[0]?.id}`, "gate-approved");
    const whole = await historyOf(world, "release/golden.1", "release-promoted");
    await historyOf(world, "model/golden", "lifecycle-one-release");
    // Workflow tasks come by themselves, one more or less by how busy the machine is; all else is what the code does.
    const commands = (history: typeof gate) =>
      (history.events ?? []).filter((event) => !/WORKFLOW_TASK/.test(eventName(event.eventType))).length;
    expect({ gate: commands(gate), release: commands(whole) }).toEqual({ gate: 14, release: 95 });
    expect(gate.events?.length).toBeLessThanOrEqual(40);
    expect(whole.events?.length).toBeLessThanOrEqual(220);
    const grown = await grownSince(world, before, ["release/golden.1", `gate/${release.gates[0]?.id}`]);
    // Bytes of one release of a thousand rows. What makes it more makes every release more: raise a bound knowingly.
    expect(grown.artifacts, JSON.stringify(grown)).toBeLessThan(560_000);
    expect(grown.records, JSON.stringify(grown)).toBeLessThan(80_000);
    expect(grown.histories, JSON.stringify(grown)).toBeLessThan(60_000);
  });

  it("leaves a release whole when what nothing names is removed, however old it is", async () => {
    const sweep = createArtifactSweep(world.artifacts);
    const orphan = await world.store.put("nobody names me");
    const all = [...(await sweep.list()).keys()];
    const longAgo = new Date(Date.now() - 30 * 86_400_000);
    await Promise.all(all.map((digest) => utimes(placeOf(world.artifacts, digest), longAgo, longAgo)));
    const collect = () => collectArtifacts({ db: world.db, sweep }, 7, unwatched);
    await collect();
    await sql`update unreachable_artifacts set since = since - interval '8 days'`.execute(world.adminDb);
    await collect();
    const left = new Set((await sweep.list()).keys());
    expect(all.filter((digest) => !left.has(digest))).toEqual([orphan]);
  });

  it("is recorded too for a release that was blocked, changed and withdrawn", async () => {
    await apply(
      world,
      await smallModel("detours", "medium", (definition) => {
        definition.train.limits.memoryMb = 64;
      }),
    );
    const id = await requestRelease(world, "detours");
    await untilState(world, id, ["blocked"]);
    await world.as("olga").post(`/api/releases/${id}/unblock`, {
      action: "retry",
      reason: "more memory",
      parameters: { limits: { memoryMb: 2048 } },
    });
    const gate = await untilGate(world, id);
    await decide(world.as("grace"), gate, {
      decision: "request-changes",
      reason: "another seed",
      parameters: { seed: 5, limits: { memoryMb: 2048 } },
    });
    const second = await untilGate(world, "detours.2");
    await historyOf(world, `gate/${gate.id}`, "gate-changes-requested");
    await historyOf(world, "release/detours.1", "release-blocked-then-changed");
    await world.as("ada").post(`/api/releases/${second.release}/withdraw`, { reason: "enough" });
    await untilState(world, "detours.2", ["ended"]);
    await historyOf(world, "release/detours.2", "release-withdrawn");
    await historyOf(world, "model/detours", "lifecycle-with-successor");
  });
});

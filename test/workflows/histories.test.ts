import { temporal } from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowBundle } from "../setup/temporal.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";
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

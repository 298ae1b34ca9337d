import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { temporal } from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workflowBundle } from "../setup/temporal.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";

/**
 * A change of code never breaks a release that waits: the histories in histories/ were recorded by
 * earlier code and must replay. A change that breaks one needs `patched()`. To add the histories
 * of today's code: COUNTERSIGN_RECORD=<name> npm test -- test/workflows/histories.test.ts
 */
const folder = fileURLToPath(new URL("histories/", import.meta.url));
const recorded = (await readdir(folder)).filter((name) => name.endsWith(".json"));
const recordAs = process.env["COUNTERSIGN_RECORD"];

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

const eventName = (type: number | null | undefined) => temporal.api.enums.v1.EventType[type ?? 0] ?? "";

async function historyOf(workflowId: string, nameOfFile: string) {
  const handle = world.client.workflow.getHandle(workflowId);
  // The row says that it ended a moment before the workflow does; a lifecycle does not end.
  if (!workflowId.startsWith("model/")) await handle.result();
  const history = await handle.fetchHistory();
  if (recordAs) {
    await mkdir(folder, { recursive: true });
    await writeFile(
      `${folder}${recordAs}-${nameOfFile}.json`,
      JSON.stringify({ workflowId, history: JSON.parse(historyToJSON(history)) }),
    );
  }
  await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, workflowId);
  return history;
}

describe("recorded histories", () => {
  it("are there for a gate, a release and a lifecycle", () => {
    for (const kind of ["gate", "release", "lifecycle"])
      expect(
        recorded.filter((name) => name.includes(kind)),
        kind,
      ).not.toEqual([]);
  });

  it.each(recorded)("of %s replay on today's code", async (name) => {
    const { workflowId, history } = JSON.parse(await readFile(folder + name, "utf8")) as { workflowId: string; history: unknown };
    await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, workflowId);
  });
});

describe("the length of a history", () => {
  it("of a promoted release and its gate is what it was: golden numbers", async () => {
    await apply(world, await smallModel("golden", "medium"));
    const release = await promote(world, "golden");
    const gate = await historyOf(`gate/${release.gates[0]?.id}`, "gate-approved");
    const whole = await historyOf("release/golden.1", "release-promoted");
    await historyOf("model/golden", "lifecycle-one-release");
    // Workflow tasks come by themselves, one more or less by how busy the machine is; all else is what the code does.
    const commands = (history: typeof gate) =>
      (history.events ?? []).filter((event) => !/WORKFLOW_TASK/.test(eventName(event.eventType))).length;
    expect({ gate: commands(gate), release: commands(whole) }).toEqual({ gate: 16, release: 95 });
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
    await historyOf(`gate/${gate.id}`, "gate-changes-requested");
    await historyOf("release/detours.1", "release-blocked-then-changed");
    await world.as("ada").post(`/api/releases/${second.release}/withdraw`, { reason: "enough" });
    await untilState(world, "detours.2", ["ended"]);
    await historyOf("release/detours.2", "release-withdrawn");
    await historyOf("model/detours", "lifecycle-with-successor");
  });
});

import { setImmediate as tick } from "node:timers/promises";
import { expect, test } from "vitest";
import { createAdmission } from "../../control/admission.ts";

const soon = () => Date.now() + 10_000;

test("a handful go in at once, the rest in their order, and each gate has a line of its own", async () => {
  const admission = createAdmission({ inFlight: 2 });
  const begun: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = (gate: string, name: string) =>
    admission.enter(gate, soon(), async (waited) => {
      begun.push(waited ? `${name} waited` : name);
      await new Promise<void>((resolve) => leave.set(name, resolve));
      return name;
    });
  const all = [enter("one", "a"), enter("one", "b"), enter("one", "c"), enter("one", "d"), enter("two", "x")];
  expect(begun).toEqual(["a", "b", "x"]);
  leave.get("b")?.();
  await tick();
  expect(begun).toEqual(["a", "b", "x", "c waited"]);
  leave.get("a")?.();
  await tick();
  for (const name of ["c", "d", "x"]) leave.get(name)?.();
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d", "x"]);
});

test("who is not let in before the deadline is told so, and holds nobody up", async () => {
  const admission = createAdmission({ inFlight: 1 });
  let leave: () => void = () => undefined;
  const first = admission.enter("gate", soon(), () => new Promise<string>((resolve) => (leave = () => resolve("first"))));
  const late = admission.enter("gate", Date.now() + 20, async () => "never");
  expect(await late).toBeNull();
  const third = admission.enter("gate", soon(), async () => "third");
  leave();
  expect(await Promise.all([first, third])).toEqual(["first", "third"]);
});

test("work that fails gives its place to the next", async () => {
  const admission = createAdmission({ inFlight: 1 });
  const failing = admission.enter("gate", soon(), () => Promise.reject(new Error("broken")));
  const next = admission.enter("gate", soon(), async () => "next");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("next");
});

test("everybody who waits is let in at once when the gate has closed, and the line is as before afterwards", async () => {
  const admission = createAdmission({ inFlight: 1 });
  const leave: (() => void)[] = [];
  const enter = (name: string) =>
    admission.enter("gate", soon(), async (waited) => {
      await new Promise<void>((resolve) => leave.push(resolve));
      return waited ? `${name} waited` : name;
    });
  const all = ["a", "b", "c", "d"].map(enter);
  expect(leave).toHaveLength(1);
  admission.letAll("gate");
  await tick();
  expect(leave).toHaveLength(4);
  for (const go of leave.splice(0)) go();
  expect(await Promise.all(all)).toEqual(["a", "b waited", "c waited", "d waited"]);
  const later = [enter("e"), enter("f")];
  expect(leave).toHaveLength(1);
  leave[0]?.();
  await tick();
  leave[1]?.();
  expect(await Promise.all(later)).toEqual(["e", "f waited"]);
});

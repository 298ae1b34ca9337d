import { expect } from "vitest";
import { attemptOn, expectClosedOnce, expectRefused, expectTaken, expectUntouched, type Context, type Point } from "../point.ts";

/** Who counts, and by what right. */
export const whoPoints: Point[] = [
  { number: 7, holds: "the self-approval rule holds on every path", run: noSelfApproval },
  { number: 9, holds: "a member removed during the wait does not count, nor one added", alone: true, run: membership },
  { number: 10, holds: "two people of one group do not satisfy two groups", run: oneFromEach },
  { number: 11, holds: "a policy relaxed during the wait does not apply", beneath: true, run: pinnedPolicy },
];

/** On the surface, and with a decision that reaches the workflow around control. */
async function noSelfApproval(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({}, { contributors: [{ principal: "grace", how: "made this file" }] });
  const reply = await surface.decide("grace", attemptOn(gate));
  expectRefused(surface, reply, "self");
  expect(reply.text).toContain("made this file");
  for (const message of ["update", "signal"] as const) {
    const command = stand.sign("grace", gate);
    if (message === "update") await gate.handle.executeUpdate("decide", { args: [command], updateId: command.id });
    else await gate.handle.signal("decide-by-signal", command);
    await stand.untilResult(command.id);
  }
  await expectUntouched(context, gate);
  expect((await stand.decisions(gate.id)).map((one) => [one.counted, one.why_not?.includes("made this file")])).toEqual([
    [false, true],
    [false, true],
  ]);
  expectTaken(await surface.decide("george", attemptOn(gate)));
}

async function membership(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ quorum: 2 });
  try {
    expectTaken(await surface.decide("grace", attemptOn(gate)));
    await stand.leave("grace", "model-risk");
    await stand.join("pia", "model-risk");
    expectRefused(surface, await surface.decide("pia", attemptOn(gate)), "not-allowed");
    // The vote of her who left falls away when it would have completed the quorum.
    expectTaken(await surface.decide("george", attemptOn(gate)));
    expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open", resolution: null });
    expect((await stand.votes(gate.id)).map((vote) => vote.principal_id)).toEqual(["george"]);
    expect((await stand.decisions(gate.id)).map((one) => [one.principal_id, one.counted])).toEqual([["grace", false]]);
    // Who comes back joined after the opening.
    await stand.join("grace", "model-risk");
    expectRefused(surface, await surface.decide("grace", attemptOn(gate)), "not-allowed");
  } finally {
    await stand.join("grace", "model-risk");
    await stand.leave("pia", "model-risk");
  }
}

async function oneFromEach(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({
    groups: ["model-risk", "product"],
    oneFromEach: ["model-risk", "product"],
    quorum: 2,
  });
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  expectTaken(await surface.decide("george", attemptOn(gate)));
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open", resolution: null });
  expect((await surface.read("pia", gate.id))?.text).toContain("product");
  expectTaken(await surface.decide("pia", attemptOn(gate)));
  await expectClosedOnce(context, gate, "approved");
}

async function pinnedPolicy(context: Context): Promise<void> {
  const { stand, surface } = context;
  // A rule of its own: others open gates by theirs meanwhile.
  const strict = { quorum: 2, ask: "May this payment file be sent, as two people see it?" };
  const gate = await stand.open(strict);
  await stand.relax(strict, { quorum: 1, groups: ["model-risk", "platform"] });
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open", resolution: null });
  expectRefused(surface, await surface.decide("olga", attemptOn(gate)), "not-allowed");
  expectTaken(await surface.decide("george", attemptOn(gate)));
  await expectClosedOnce(context, gate, "approved");
}

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { points } from "./points.ts";
import { attemptOn, expectTaken } from "./point.ts";
import { openStand, type ConformanceStand } from "./stand.ts";
import type { GateSurface } from "./surface.ts";
import { createApiSurface } from "./surfaces/api.ts";
import { createConsoleSurface } from "./surfaces/console.ts";
import { createSlackSurface } from "./surfaces/slack.ts";

/** A world of its own: point 13 wants one in which nobody carries messages. */
let stand: ConformanceStand;
let surface: Awaited<ReturnType<typeof createSlackSurface>>;
let others: GateSurface[];
beforeAll(async () => {
  stand = await openStand();
  surface = await createSlackSurface(stand);
  others = [createApiSurface(stand.site), createConsoleSurface(stand.site)];
}, 120_000);
afterAll(async () => {
  expect(surface.slack.complaints()).toEqual([]);
  await surface.close?.();
  await stand.close();
});

/** No matter of this surface: Slack's own absence (13) is shown below, and nobody is told of a gate that never was (20). */
const elsewhere = [13, 20];

const whole = process.env["COUNTERSIGN_CONFORMANCE"] === "all";
const titled = points
  .filter((point) => !elsewhere.includes(point.number) && (whole || point.beneath !== true))
  .map((point) => [`${point.number}. ${point.holds}`, point] as const);
type Titled = (typeof titled)[number];

describe("Slack", () => {
  async function prove([, point]: Titled): Promise<"holds"> {
    await point.run({ stand, surface, others });
    return "holds";
  }
  // Those that look at the posted message come first: one a second and channel is posted.
  const looks = (number: number) => number === 3 || number === 10;
  const rest = titled.filter(([, point]) => !looks(point.number));
  it.for(titled.filter(([, point]) => looks(point.number)))("%s", async (one) => {
    expect(await prove(one)).toBe("holds");
  });
  it.concurrent.for(rest.filter(([, point]) => point.alone !== true))("%s", async (one) => {
    expect(await prove(one)).toBe("holds");
  });
  it.for(rest.filter(([, point]) => point.alone === true))("%s", async (one) => {
    expect(await prove(one)).toBe("holds");
  });
});

it("with Slack away a gate goes on waiting and is decided elsewhere, and its message tells so afterwards", async () => {
  const api = others.find((one) => one.name === "API");
  surface.slack.faults({ kind: "outage" });
  const gate = await stand.open();
  try {
    expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open" });
    expectTaken((await api?.decide("grace", attemptOn(gate))) ?? { receipt: null, refused: true, text: "no API" });
  } finally {
    surface.slack.faults([]);
  }
  expect(await surface.read("grace", gate.id)).toMatchObject({ state: "closed", resolution: "approved", offers: false });
}, 120_000);

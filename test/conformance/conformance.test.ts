import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Point } from "./point.ts";
import { points } from "./points.ts";
import { openStand, type ConformanceStand } from "./stand.ts";
import type { GateSurface } from "./surface.ts";
import { createApiSurface } from "./surfaces/api.ts";
import { browserPoints, createBrowserSurface } from "./surfaces/browser.ts";
import { createCliSurface } from "./surfaces/cli.ts";
import { createConsoleSurface } from "./surfaces/console.ts";

let stand: ConformanceStand;
let surfaces: GateSurface[];
beforeAll(async () => {
  stand = await openStand();
  const { site } = stand;
  surfaces = [createApiSurface(site), createCliSurface(site), createConsoleSurface(site), await createBrowserSurface(site)];
}, 120_000);
afterAll(async () => {
  for (const surface of surfaces ?? []) await surface.close?.();
  await stand?.close();
});

it("names all 23 points once", () => {
  expect(points.map((point) => point.number)).toEqual(Array.from({ length: 23 }, (_, index) => index + 1));
});

/** `npm run conformance` shows every point on every surface. */
const whole = process.env["COUNTERSIGN_CONFORMANCE"] === "all";
/** What lies beneath the surfaces is shown on the API; in a browser, what needs one. */
function pointsOf(name: string, alone: boolean) {
  return points
    .filter(
      (point) =>
        name === "API" || (name === "console in a browser" ? browserPoints.includes(point.number) : whole || !point.beneath),
    )
    .filter((point) => (point.alone === true) === alone)
    .map((point) => [`${point.number}. ${point.holds}`, point] as const);
}

describe.each(["API", "CLI", "console", "console in a browser"])("%s", (name) => {
  /** The point throws where it does not hold. */
  async function prove(point: Point): Promise<"holds"> {
    const surface = surfaces.find((one) => one.name === name);
    if (!surface) throw new Error(`There is no surface ${name}.`);
    await point.run({ stand, surface, others: surfaces.filter((one) => one !== surface) });
    return "holds";
  }
  // Most of a point is waiting: for a deadline, a timer, a page.
  it.concurrent.for(pointsOf(name, false))("%s", async ([, point]) => {
    expect(await prove(point)).toBe("holds");
  });
  it.for(pointsOf(name, true))("%s", async ([, point]) => {
    expect(await prove(point)).toBe("holds");
  });
});

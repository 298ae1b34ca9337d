import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { Point } from "./point.ts";
import { points } from "./points.ts";
import { openStand, type ConformanceStand } from "./stand.ts";
import type { GateSurface } from "./surface.ts";
import { createApiSurface } from "./surfaces/api.ts";
import { createBrowserSurface } from "./surfaces/browser.ts";
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
const titled = points.map((point) => [`${point.number}. ${point.holds}`, point] as const);

describe.each(["API", "CLI", "console", "console in a browser"])("%s", (name) => {
  /** The point throws where it does not hold. */
  async function prove(point: Point, { skip }: TestContext): Promise<"holds"> {
    const surface = surfaces.find((one) => one.name === name);
    if (!surface) throw new Error(`There is no surface ${name}.`);
    if (surface.points?.includes(point.number) === false) skip("the points of its pages and clicks are proven here");
    if (point.beneath === true && name !== "API" && !whole)
      skip("beneath the surfaces: shown on the API, on all by `npm run conformance`");
    const why = point.without?.(surface) ?? null;
    if (why !== null) skip(why);
    await point.run({ stand, surface, others: surfaces.filter((one) => one !== surface) });
    return "holds";
  }
  // Most of a point is waiting: for a deadline, a timer, a page.
  it.concurrent.for(titled.filter(([, point]) => point.alone !== true))("%s", async ([, point], context) => {
    expect(await prove(point, context)).toBe("holds");
  });
  it.for(titled.filter(([, point]) => point.alone === true))("%s", async ([, point], context) => {
    expect(await prove(point, context)).toBe("holds");
  });
});

import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import type { GateView } from "../../domain/http/gate-views.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { openGate } from "../policies/proposing.ts";
import { startExternalGate } from "../slack/external-gates.ts";
import { apply, requestRelease, smallModel, untilGate } from "../world/models.ts";
import { createWorld } from "../world/world.ts";
import type { World } from "../world/world.ts";
import { openBrowser } from "./browser.ts";
import { openSite } from "./site.ts";
import type { Site } from "./site.ts";

export interface Waiting {
  model: string;
  release: string;
  gate: GateView;
}

export interface Stand {
  world: World;
  site: Site;
  browser: Browser;
  /** A model of its own whose first release waits at its gate. */
  waiting(): Promise<Waiting>;
  /** An open gate of somebody else's workflow: no training, a tenth of the time. */
  asked(): Promise<GateView>;
  close(): Promise<void>;
}

/** The whole product, its console on a port, and a browser. */
export async function openStand(): Promise<Stand> {
  const world = await createWorld();
  const [site, browser] = await Promise.all([openSite(world), openBrowser()]);
  return {
    world,
    site,
    browser,
    async waiting() {
      const model = createTestPrefix();
      await apply(world, await smallModel(model, "medium"));
      const release = await requestRelease(world, model);
      return { model, release, gate: await untilGate(world, release) };
    },
    asked: async () => openGate(world, await startExternalGate(world.client, { contributors: [] })),
    async close() {
      await browser.close();
      await site.close();
      await world.stop();
    },
  };
}

/** Where a picture of a page is kept, for people to look at. */
export function picture(name: string): string {
  const folder = join(tmpdir(), "countersign-console-pictures");
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test, vi } from "vitest";
import { featuresOf, readRecorded, type Recorded } from "./history-features.ts";
import { bundlePlanted, choose, whyDifferent, type Plant } from "./planted-bundle.ts";

/**
 * Changes that break workflows which run, each planted unguarded into the product's own code: replaying the recorded
 * histories must notice every one of them. A set of histories that stays green with one of these would prove nothing.
 */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** One more activity before what stands there. `shown`: a feature of the histories that must notice. */
type Planted = Plant & { shown: string };
const extra = 'if (planted) await record("One more").searchAttributesReady();';
const before = (name: string, file: string, find: string, shown: string): Planted => ({
  name: `an activity before ${name}`,
  file,
  find,
  put: `${extra}\n${find}`,
  shown,
});

const changes: Planted[] = [
  before("a moment of the timeline", "gate.ts", "  const closing = await record(alarm.inWords(due))", "activity gate/fallDue"),
  before("a rollback", "lifecycle-desk.ts", "      this.rollingBack = true;", "activity lifecycle/rollBack"),
  before(
    "a pause",
    "lifecycle-desk.ts",
    "        const answer = await record(`Verifies the ${body.kind}",
    "activity lifecycle/changeModelState",
  ),
  before(
    "a folding",
    "lifecycle-work.ts",
    "      const answer = await record(`Folds a request",
    "activity lifecycle/foldRequest",
  ),
  before("a proposal", "proposal.ts", "  const answer = await record(", "activity proposal/proposePolicy"),
  before("a renewal", "decision-box.ts", '    const closing = await record("Closes the request', "activity gate/renewGate"),
  before("a skip", "release-run.ts", "      await record(`${stage} is skipped`)", "activity release/skipStage"),
  {
    name: "an activity before a second vote",
    file: "gate.ts",
    find: "  if (commands === null) return null;",
    put: 'if (commands === null) return null;\nif (planted && commands.length > 1) await record("One more").readGate({ gate: box.gate });',
    shown: "update gate/withdraw",
  },
  {
    name: "another order in the watch",
    file: "monitor-sweep.ts",
    find: "  for (const job of jobs) {",
    put: "  for (const job of planted ? jobs.toReversed() : jobs) {",
    shown: "workflow monitorSweep",
  },
  {
    name: "carried state that is dropped",
    file: "lifecycle.ts",
    find: "carried: recalled.carried })",
    put: "carried: planted ? null : recalled.carried })",
    shown: "continue-as-new lifecycle",
  },
];

/** Every patch that the code asks about, taken out as if all histories had it: those that have it must notice. */
async function patchesTakenOut(): Promise<Planted[]> {
  const folder = fileURLToPath(new URL("../../workflows/", import.meta.url));
  const found: Planted[] = [];
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".ts")))
    for (const [find, id = ""] of (await readFile(folder + file, "utf8")).matchAll(/patched\("([^"]+)"\)/g))
      found.push({ name: `the patch ${id} taken out`, file, find, put: `(planted || ${find})`, shown: `patch ${id}` });
  return found;
}

const plants = [...changes, ...(await patchesTakenOut())];
const names = [...new Set(plants.map(({ name }) => name))];
let bundle: { code: string };
let recorded: (Recorded & { features: Set<string> })[];
beforeAll(async () => {
  recorded = (await readRecorded()).map((one) => ({ ...one, features: featuresOf(one.history) }));
  bundle = await bundlePlanted(plants);
});

/** Those that show it, the smallest first. */
function showing(shown: string) {
  return recorded
    .filter(({ features }) => features.has(shown))
    .toSorted((one, other) => (one.history.events?.length ?? 0) - (other.history.events?.length ?? 0));
}

test.each(names)("%s is noticed", async (name) => {
  const shown = plants.find((plant) => plant.name === name)?.shown ?? "";
  const histories = showing(shown).slice(0, 4);
  expect(histories, `histories that show ${shown}`).not.toEqual([]);
  const found: string[] = [];
  for (const history of histories) {
    const why = await whyDifferent(choose(bundle, name), history);
    if (why !== null) found.push(why);
    if (why !== null) break;
  }
  expect(found).toHaveLength(1);
  const [smallest] = histories;
  if (smallest) expect(await whyDifferent(choose(bundle, "none"), smallest), "nothing planted, nothing noticed").toBeNull();
});

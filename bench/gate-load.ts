import { parseArgs } from "node:util";
import { crowdOnBare, crowdOnOne } from "./gate-load/crowd.ts";
import { bareOpenAtOnce, openAtOnce } from "./gate-load/open-at-once.ts";
import { openGateStand } from "./gate-stand.ts";

/**
 * Many decisions on one gate at once, and many gates open at once, beside what bare Temporal does with the
 * same. PostgreSQL, Temporal and the product's worker are processes of their own; control and the HTTP
 * application are in this one, together with the two hundred people who decide.
 *
 *   npm run bench:gate-load -- --gates 10000 --decisions 10000 [--at-once 50] [--no-bare]
 *
 * Nought leaves a part out. Ten thousand of each take some twenty minutes on two cores.
 */
const { values } = parseArgs({
  options: {
    gates: { type: "string", default: "10000" },
    decisions: { type: "string", default: "10000" },
    "at-once": { type: "string", default: "50" },
    bare: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const asked = { gates: Number(values.gates), decisions: Number(values.decisions), atOnce: Number(values["at-once"]) };
for (const [name, value] of Object.entries(asked))
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name}: must be a whole number, and is not.`);

const rule = {
  name: "bench",
  ask: "May it?",
  groups: ["approvers"],
  quorum: 1,
  deadlineMs: 24 * 3_600_000,
  onDeadline: "hold" as const,
};
const stand = await openGateStand({ people: 200, rule, workerApart: true });
try {
  if (asked.decisions > 0) {
    await crowdOnOne(stand, asked.decisions);
    if (values.bare) await crowdOnBare(stand, asked.decisions);
  }
  if (asked.gates > 0) {
    await openAtOnce(stand, asked);
    if (values.bare) await bareOpenAtOnce(stand, asked);
  }
} finally {
  await stand.close();
}

import { Client, Connection } from "@temporalio/client";
import { stages } from "../domain/stages.ts";
import { activityTimes } from "./history.ts";
import { call, findInstance, untilRelease } from "./running-instance.ts";

/**
 * Three months of flights through all stages: how long it takes, and which share of that is
 * orchestration, that is everything but the work of the stages themselves and the wait for a
 * person (who here decides as soon as the gate is open).
 *
 *   npm start            (in another terminal; approve its first release or let it wait)
 *   npm run bench:release
 */
const instance = await findInstance();
const connection = await Connection.connect({ address: instance.temporalAddress });
const client = new Client({ connection });

const { body } = await call<{ release: string }>(instance, "ben", {
  path: "/api/models/flight-delays/releases",
  body: { reason: "bench", parameters: { seed: Date.now() % 1_000_000 } },
});
const waiting = await untilRelease(
  instance,
  body.release,
  (release) => release.state === "waiting" && release.gates.some((gate) => gate.state === "open"),
);
const gate = waiting.gates.at(-1)?.id;
const { body: asked } = await call<{ request: { digest: string } }>(instance, "grace", { path: `/api/gates/${gate}` });
const decidedAt = Date.now();
await call(instance, "grace", {
  path: `/api/gates/${gate}/decisions`,
  body: { decision: "approve", digest: asked.request.digest },
});
const ended = await untilRelease(instance, body.release, (release) => release.state === "ended");
if (ended.outcome !== "promoted") throw new Error(`${body.release} ended as ${ended.outcome}.`);

const handle = client.workflow.getHandle(`release/${body.release}`);
const times = await activityTimes(handle);
const { startTime, closeTime } = await handle.describe();
const work = stages.map((stage) => {
  const one = times.findLast((activity) => activity.name === stage);
  return { stage, ms: one ? one.completedAt - one.startedAt : 0 };
});
const opened = times.find((activity) => activity.name === "freezeGate")?.completedAt ?? decidedAt;
const waitedMs = decidedAt - opened;
const totalMs = (closeTime?.getTime() ?? 0) - startTime.getTime() - waitedMs;
const workMs = work.reduce((sum, one) => sum + one.ms, 0);
for (const { stage, ms } of work)
  process.stdout.write(
    `${stage.padEnd(12)} ${(ms / 1000).toFixed(2).padStart(7)} s  ${ended.stages.find((one) => one.stage === stage)?.summary ?? ""}\n`,
  );
process.stdout.write(
  `${"all".padEnd(12)} ${(totalMs / 1000).toFixed(2).padStart(7)} s  without the wait for a person (${(waitedMs / 1000).toFixed(2)} s)\n`,
);
process.stdout.write(`orchestration ${((100 * (totalMs - workMs)) / totalMs).toFixed(1)} % of it (aim: 10 % at the most)\n`);
await connection.close();

import { setTimeout as sleep } from "node:timers/promises";
import type { WorkflowHandle } from "@temporalio/client";
import { openGateStand, requestOf } from "./gate-stand.ts";
import { quantile } from "./running-instance.ts";

/**
 * From a decision to the moment in which the parent goes on, as a ratio to a bare parent and child with
 * one record activity on the same server, in the same run, in turns. The parent goes on when the server
 * has written that its child completed.
 *
 *   npm run bench:gate-latency -- 30
 */
const rounds = Number(process.argv[2] ?? 30);
const rule = {
  name: "bench",
  ask: "May it?",
  groups: ["approvers"],
  quorum: 1,
  deadlineMs: 3_600_000,
  onDeadline: "hold" as const,
};
const stand = await openGateStand({ people: 1, rule, workerApart: true });
const [token = ""] = stand.tokens;

/** The server's time of the event, in milliseconds since the epoch. */
async function wentOnAt(parent: WorkflowHandle): Promise<number> {
  await parent.result();
  const { events } = await parent.fetchHistory();
  const time = events?.find((event) => event.childWorkflowExecutionCompletedEventAttributes)?.eventTime;
  return Number(time?.seconds) * 1000 + Number(time?.nanos) / 1e6;
}

async function bareRound(round: number): Promise<number> {
  const id = `bare-${round}-${Date.now()}`;
  const parent = await stand.client.workflow.start("parentOfBare", {
    taskQueue: "bench-bare",
    workflowId: `p-${id}`,
    args: [id],
  });
  const child = stand.client.workflow.getHandle(id);
  while (
    !(await child.describe().then(
      () => true,
      () => false,
    ))
  )
    await sleep(5);
  await child.query("__stack_trace");
  const sent = Date.now();
  await child.executeUpdate("decide");
  return (await wentOnAt(parent)) - sent;
}

async function gateRound(round: number): Promise<number> {
  const gate = `ext.bench.${round}-${Date.now()}`;
  const args = [gate, requestOf(rule)];
  const parent = await stand.client.workflow.start("parentOfGate", { taskQueue: "bench-bare", workflowId: `p-${gate}`, args });
  let row = await stand.digestOf(gate);
  for (; row?.state !== "open"; row = await stand.digestOf(gate)) await sleep(5);
  await stand.client.workflow.getHandle(`gate/${gate}`).query("state");
  const sent = Date.now();
  const { receipt } = await stand.decide(token, gate, row.request_digest);
  if (receipt !== "accepted") throw new Error(`Not accepted: ${receipt}`);
  return (await wentOnAt(parent)) - sent;
}

const bare: number[] = [];
const ours: number[] = [];
for (let round = -3; round < rounds; round++) {
  const [one, other] = [await bareRound(round), await gateRound(round)];
  // The first three warm the caches.
  if (round >= 0) {
    bare.push(one);
    ours.push(other);
  }
}
const row = (name: string, values: number[]) =>
  `${name.padEnd(44)} p50 ${quantile(values, 0.5).toFixed(0).padStart(4)} ms   p90 ${quantile(values, 0.9).toFixed(0).padStart(4)} ms\n`;
process.stdout.write(row("bare child: update → the parent goes on", bare));
process.stdout.write(row("decision over HTTP → the parent goes on", ours));
process.stdout.write(
  `ratio at the median ${(quantile(ours, 0.5) / quantile(bare, 0.5)).toFixed(2)} (aim: 1.3 at the most), ${rounds} rounds\n`,
);
await stand.close();

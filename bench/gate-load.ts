import { setTimeout as sleep } from "node:timers/promises";
import { openGateStand } from "./gate-stand.ts";
import { quantile } from "./running-instance.ts";

/**
 * Many decisions on one gate at once, and many gates open at once, beside what bare Temporal does with
 * the same. All in one process but PostgreSQL and Temporal.
 *
 *   npm run bench:gate-load -- 10000 10000      decisions on one gate, gates open at once
 */
const decisions = Number(process.argv[2] ?? 10_000);
const gates = Number(process.argv[3] ?? 10_000);
const perSecond = 20;
const measuredSeconds = 30;
const rule = {
  name: "bench",
  ask: "May it?",
  groups: ["approvers"],
  quorum: 1,
  deadlineMs: 24 * 3_600_000,
  onDeadline: "hold" as const,
};
const stand = await openGateStand({ people: 200, rule });
const tell = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (sinceMs: number) => ((performance.now() - sinceMs) / 1000).toFixed(1);
const memoryMb = () => Math.round(process.memoryUsage().rss / 2 ** 20);

async function untilOpen(gate: string): Promise<string> {
  for (;;) {
    const row = await stand.digestOf(gate);
    if (row?.state === "open") return row.request_digest;
    await sleep(20);
  }
}

/** With so much at once that the work is full all the time, in order. */
async function inBatches(count: number, atOnce: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function manyOnOne(): Promise<void> {
  const gate = `ext.bench.crowd-${Date.now()}`;
  await stand.startGate(gate);
  const digest = await untilOpen(gate);
  const before = memoryMb();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, memoryMb())), 100);
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: decisions }, (_, index) => stand.decide(stand.tokens[index % 200] ?? "", gate, digest)),
  );
  clearInterval(watch);
  const kinds = new Map<string, number>();
  for (const { receipt } of answers) kinds.set(receipt, (kinds.get(receipt) ?? 0) + 1);
  const closings = await stand.db
    .selectFrom("audit")
    .select("seq")
    .where("kind", "=", "gate.closed")
    .where("subject", "=", gate)
    .execute();
  tell(
    `${decisions} decisions on one gate: ${seconds(began)} s, ${closings.length} resolution, ${[...kinds].map(([kind, n]) => `${n} ${kind}`).join(", ")}; ${answers.filter(({ tries }) => tries > 1).length} were told to try again before; memory ${before} → ${most} MB`,
  );
}

async function manyOnBare(): Promise<void> {
  const handle = await stand.client.workflow.start("bareGate", {
    taskQueue: "bench-bare",
    workflowId: `bare-crowd-${Date.now()}`,
  });
  const began = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: decisions }, () => stand.client.withDeadline(Date.now() + 30_000, () => handle.executeUpdate("decide"))),
  );
  const accepted = outcomes.filter((one) => one.status === "fulfilled").length;
  tell(`the same on a bare workflow: ${seconds(began)} s, ${accepted} answered, ${decisions - accepted} failed`);
}

/** p99 of what is asked of waiting ones at a steady rate. */
async function atRate(work: (index: number) => Promise<void>): Promise<number[]> {
  const latencies: number[] = [];
  const asked: Promise<void>[] = [];
  // One of them was decided in the surge.
  for (let index = 0; index < Math.min(perSecond * measuredSeconds, gates - 1); index++) {
    const began = performance.now();
    asked.push(work(index).then(() => void latencies.push(performance.now() - began)));
    await sleep(1000 / perSecond);
  }
  await Promise.all(asked);
  return latencies;
}

async function manyOpen(): Promise<void> {
  const run = Date.now();
  const id = (index: number) => `ext.bench.open-${run}-${index}`;
  const memory = [memoryMb()];
  const began = performance.now();
  const starting = inBatches(gates, 50, (index) => stand.startGate(id(index)));
  const first = (async () => {
    const digest = await untilOpen(id(0));
    const asked = performance.now();
    await stand.decide(stand.tokens[0] ?? "", id(0), digest);
    return seconds(asked);
  })();
  await starting;
  memory.push(memoryMb());
  for (;;) {
    const { open } = await stand.db
      .selectFrom("gates")
      .select((eb) => eb.fn.countAll<number>().as("open"))
      .where("id", "like", `ext.bench.open-${run}-%`)
      .where("state", "=", "open")
      .executeTakeFirstOrThrow();
    if (Number(open) >= gates - 1) break;
    await sleep(250);
  }
  tell(`${gates} gates open: drained after ${seconds(began)} s; the first decision in the surge took ${await first} s`);
  memory.push(memoryMb());
  const others: string[] = [];
  const latencies = await atRate(async (index) => {
    const row = await stand.digestOf(id(1 + index));
    const { receipt } = await stand.decide(stand.tokens[index % 200] ?? "", id(1 + index), row?.request_digest ?? "");
    if (receipt !== "accepted") others.push(receipt);
  });
  memory.push(memoryMb());
  tell(
    `decisions at ${perSecond} a second over HTTP: p50 ${quantile(latencies, 0.5).toFixed(0)} ms, p99 ${quantile(latencies, 0.99).toFixed(0)} ms (aim: below 1000); not accepted at once: ${others.length}${others.length > 0 ? ` (${[...new Set(others)].join(", ")})` : ""}`,
  );
  tell(`memory before, started, drained, decided: ${memory.join(", ")} MB`);
}

async function manyBareOpen(): Promise<void> {
  const run = Date.now();
  const id = (index: number) => `bare-open-${run}-${index}`;
  const began = performance.now();
  await inBatches(gates, 50, (index) =>
    stand.client.workflow.start("bareGate", { taskQueue: "bench-bare", workflowId: id(index) }),
  );
  await stand.client.workflow.getHandle(id(gates - 1)).query("__stack_trace");
  tell(`the same of bare workflows: started after ${seconds(began)} s`);
  const latencies = await atRate((index) => stand.client.workflow.getHandle(id(index)).executeUpdate("decide"));
  tell(
    `updates at ${perSecond} a second: p50 ${quantile(latencies, 0.5).toFixed(0)} ms, p99 ${quantile(latencies, 0.99).toFixed(0)} ms`,
  );
}

await manyOnOne();
await manyOnBare();
await manyOpen();
await manyBareOpen();
await stand.close();

import { setTimeout as sleep } from "node:timers/promises";
import type { GateStand } from "../gate-stand.ts";
import { load, secondsSince, spread, tell } from "./telling.ts";

/** Decisions asked of waiting gates, by so many a second, for so long. */
const perSecond = 20;
const measuredSeconds = 30;
/** Gates that are asked, decided and done, one after the other: what somebody feels who asks now. */
const rounds = 20;
/** While nobody does anything. */
const restSeconds = 60;

interface Asked {
  gates: number;
  /** Starts under way at the same time. */
  atOnce: number;
}

/**
 * So many gates open at once. Tells how long opening took, what the worker holds meanwhile (memory, workflows
 * in its cache, slots), whether a new gate is answered as quickly as with none open, and decisions at a steady rate.
 */
export async function openAtOnce(stand: GateStand, { gates, atOnce }: Asked): Promise<void> {
  const run = Date.now();
  const id = (index: number) => `ext.bench.open-${run}-${index}`;
  tell(`a gate with none open, asked to done: ${spread(await oneByOne(stand, `before-${run}`))} (${load()})`);
  const began = performance.now();
  const first = surgeDecision(stand, id(0));
  const starting = inLanes(gates, atOnce, (index) => stand.startGate(id(index)));
  await Promise.all([starting, tellWhileOpening(stand, { run, gates })]);
  tell(`${gates} gates open after ${secondsSince(began)} s (${load()}); the first decision in the surge took ${await first} s`);
  await tellRest(stand);
  tell(`a gate with ${gates} open, asked to done: ${spread(await oneByOne(stand, `among-${run}`))} (${load()})`);
  const others: string[] = [];
  const latencies = await atRate(gates, async (index) => {
    const row = await stand.digestOf(id(index));
    const { receipt } = await stand.decide(stand.tokenOf(index), id(index), row?.request_digest ?? "");
    if (receipt !== "accepted") others.push(receipt);
  });
  tell(
    `decisions at ${perSecond} a second over HTTP: ${spread(latencies)} (aim: p99 below 1000); not accepted at once: ${others.length}${others.length > 0 ? ` (${[...new Set(others)].join(", ")})` : ""} (${load()}); ${inWords(stand)}`,
  );
}

export async function bareOpenAtOnce(stand: GateStand, { gates, atOnce }: Asked): Promise<void> {
  const run = Date.now();
  const id = (index: number) => `bare-open-${run}-${index}`;
  const began = performance.now();
  await inLanes(gates, atOnce, (index) =>
    stand.client.workflow.start("bareGate", { taskQueue: "bench-bare", workflowId: id(index) }),
  );
  const started = secondsSince(began);
  await untilAnswers(stand, id(gates - 1));
  tell(`the same of bare workflows: started after ${started} s, the last one answers after ${secondsSince(began)} s (${load()})`);
  const latencies = await atRate(gates, (index) => stand.client.workflow.getHandle(id(index)).executeUpdate("decide"));
  tell(`updates at ${perSecond} a second: ${spread(latencies)}`);
}

/** While the first tasks of all wait in the queue, a query times out before a worker could take it. */
async function untilAnswers(stand: GateStand, workflowId: string): Promise<void> {
  for (let triesLeft = 60; ; triesLeft--) {
    try {
      await stand.client.workflow.getHandle(workflowId).query("__stack_trace");
      return;
    } catch (error) {
      if (triesLeft === 0) throw error;
    }
  }
}

/** The very first of them is decided on while the others are being opened. */
async function surgeDecision(stand: GateStand, gate: string): Promise<string> {
  const digest = await stand.untilOpen(gate);
  const asked = performance.now();
  await stand.decide(stand.tokenOf(0), gate, digest);
  return secondsSince(asked);
}

/** Each tenth that is open, with what the worker holds then. */
async function tellWhileOpening(stand: GateStand, { run, gates }: { run: number; gates: number }): Promise<void> {
  const began = performance.now();
  let told = 0;
  for (;;) {
    const { opened } = await stand.db
      .selectFrom("gates")
      .select((eb) => eb.fn.countAll<number>().as("opened"))
      .where("id", "like", `ext.bench.open-${run}-%`)
      .where("opened_at", "is not", null)
      .executeTakeFirstOrThrow();
    const tenth = Math.floor((10 * Number(opened)) / gates);
    if (tenth > told) tell(`  ${opened} opened after ${secondsSince(began)} s (${load()}): ${inWords(stand)}`);
    told = Math.max(told, tenth);
    if (Number(opened) >= gates) return;
    await sleep(500);
  }
}

/** Nobody does anything: what the worker holds now is what waiting costs. */
async function tellRest(stand: GateStand): Promise<void> {
  const before = stand.holding();
  let busiest = 0;
  for (let second = 0; second < restSeconds; second++) {
    await sleep(1000);
    const { workflowTasks, activities } = stand.holding();
    busiest = Math.max(busiest, workflowTasks + activities);
  }
  const { cpuSeconds } = stand.holding();
  tell(
    `${restSeconds} s of rest after ${mb(before.rssBytes)} MB: ${inWords(stand)}; ${busiest} slots taken at the most (the watch over dead runs takes two), ${(cpuSeconds - before.cpuSeconds).toFixed(1)} s of processor time`,
  );
}

/** From the start of its workflow to the starter's result, with the decision in between; milliseconds. */
async function oneByOne(stand: GateStand, name: string): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const gate = `ext.bench.${name}-${round}`;
    const began = performance.now();
    const handle = await stand.startGate(gate);
    const digest = await stand.untilOpen(gate);
    await stand.decide(stand.tokenOf(round), gate, digest);
    await handle.result();
    took.push(performance.now() - began);
  }
  return took;
}

/** With so much at once that the work is full all the time, in order. */
async function inLanes(count: number, lanes: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** What is asked of waiting ones at a steady rate; milliseconds. The first was decided on in the surge. */
async function atRate(gates: number, work: (index: number) => Promise<void>): Promise<number[]> {
  const latencies: number[] = [];
  const asked: Promise<void>[] = [];
  const count = Math.min(perSecond * measuredSeconds, gates - 1);
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    await sleep(Math.max(0, began + (index * 1000) / perSecond - performance.now()));
    const sent = performance.now();
    asked.push(work(1 + index).then(() => void latencies.push(performance.now() - sent)));
  }
  await Promise.all(asked);
  return latencies;
}

const mb = (bytes: number) => Math.round(bytes / 2 ** 20);

function inWords(stand: GateStand): string {
  const { rssBytes, cachedWorkflows } = stand.holding();
  return `the worker holds ${mb(rssBytes)} MB and ${cachedWorkflows} workflows in its cache`;
}

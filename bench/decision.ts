import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { loadDefinitionFile } from "../cli/definition-file.ts";
import { startOf } from "./history.ts";
import { call, findInstance, quantile, untilRelease, type RunningInstance } from "./running-instance.ts";

/**
 * From a person's yes to the moment in which the deploy activity starts, over HTTP and all, as a
 * ratio to a bare Temporal workflow on the same server: one update, one activity. Both ends are
 * taken from this machine's clock: before the request is sent, and the server's event time. The yes
 * comes two seconds after its gate opened, once the gate's messages are out.
 *
 *   npm start            (in another terminal)
 *   npm run bench:decision -- 20
 */
const readsForMs = 2_000;
const rounds = Number(process.argv[2] ?? 20);
const instance = await findInstance();
const connection = await Connection.connect({ address: instance.temporalAddress });
const client = new Client({ connection });

const bare = await measureBare(client, instance.temporalAddress);
const ours = await measureOurs(client, instance);
const row = (name: string, values: number[]) =>
  `${name.padEnd(34)} p50 ${quantile(values, 0.5).toFixed(0).padStart(4)} ms   p90 ${quantile(values, 0.9).toFixed(0).padStart(4)} ms\n`;
process.stdout.write(row("bare update → activity", bare));
process.stdout.write(row("decision over HTTP → deploy starts", ours));
process.stdout.write(
  `ratio at the median                ${(quantile(ours, 0.5) / quantile(bare, 0.5)).toFixed(2)} (aim: 3 at the most), ${rounds} rounds\n`,
);
await connection.close();

async function measureBare(client: Client, address: string): Promise<number[]> {
  const worker = spawn(process.execPath, [fileURLToPath(new URL("bare/worker.ts", import.meta.url)), address], {
    stdio: "inherit",
  });
  try {
    const latencies: number[] = [];
    for (let round = -2; round < rounds; round++) {
      const handle = await client.workflow.start("bare", {
        taskQueue: "bench-bare",
        workflowId: `bench-bare-${Date.now()}`,
        workflowExecutionTimeout: "60s",
      });
      await handle.query("__stack_trace");
      const sent = Date.now();
      await handle.executeUpdate("go");
      await handle.result();
      // The first two warm the caches.
      if (round >= 0) latencies.push((await startOf(handle, "act")) - sent);
    }
    return latencies;
  } finally {
    worker.kill("SIGTERM");
    await once(worker, "exit");
  }
}

async function measureOurs(client: Client, instance: RunningInstance): Promise<number[]> {
  const { definition } = await loadDefinitionFile("examples/credit-risk/model.yaml");
  const put = await call(instance, "ada", {
    method: "PUT",
    path: "/api/models/bench-decision",
    body: { ...definition, model: "bench-decision", tier: "medium" },
  });
  if (put.status >= 300) throw new Error(`The definition was refused: ${JSON.stringify(put.body)}`);
  const latencies: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const asked = await call<{ release: string }>(instance, "ben", {
      path: "/api/models/bench-decision/releases",
      body: { reason: "bench", parameters: { seed: Date.now() % 1_000_000 } },
    });
    const { release } = asked.body;
    const waiting = await untilRelease(
      instance,
      release,
      (one) => one.state === "waiting" && one.gates.some((gate) => gate.state === "open"),
    );
    const gate = waiting.gates.at(-1)?.id;
    const { body } = await call<{ request: { digest: string } }>(instance, "grace", { path: `/api/gates/${gate}` });
    await sleep(readsForMs);
    const sent = Date.now();
    const decided = await call<{ receipt: string }>(instance, "grace", {
      path: `/api/gates/${gate}/decisions`,
      body: { decision: "approve", digest: body.request.digest },
    });
    if (decided.body.receipt !== "accepted") throw new Error(`Not accepted: ${JSON.stringify(decided.body)}`);
    await untilRelease(instance, release, (one) => one.state === "ended");
    if (round >= 0) latencies.push((await startOf(client.workflow.getHandle(`release/${release}`), "deploy")) - sent);
  }
  return latencies;
}

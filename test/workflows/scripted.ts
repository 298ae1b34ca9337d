import { NativeConnection, Worker } from "@temporalio/worker";
import { Client, Connection } from "@temporalio/client";
import { createTestNamespace, temporalAddress } from "../setup/temporal.ts";
import { requiredFeatures } from "./required-features.ts";

/** What an activity answers in a scenario; `n` counts its calls from 1. */
export type Answers = Record<string, (input: Record<string, unknown>, n: number) => unknown>;

export const digest = `sha256:${"a".repeat(64)}`;
const summary = { summary: "Done." };
export const pinned = {
  ok: true,
  definition: digest,
  parameters: {},
  tier: "low",
  environment: "production",
  gates: [],
  skippable: [],
};

/** As the product's activities answer when nothing is wrong. */
const usual: Answers = {
  searchAttributesReady: () => false,
  recallModel: () => ({ nextNumber: 1, definition: digest, active: null, queued: null, unsucceeded: null }),
  reviewsToOpen: () => [],
  createRelease: () => pinned,
  startRelease: () => pinned,
  foldRequest: () => ({ ok: true }),
  readRelease: () => ({ state: "ended", outcome: "abandoned", changes: null }),
  applyDefinition: () => ({ ok: true, definition: digest, ended: null, gate: null }),
  changeModelState: () => ({ ok: true }),
  rollBack: () => ({ ok: true, epoch: 2 }),
  breakGlass: () => ({ ok: true, review: "m.break-glass.1", digest }),
  closeFinding: () => ({ ok: true }),
  withdrawRelease: () => ({ ok: true, gate: null }),
  unblockRelease: () => ({ ok: true, action: "retry", parameters: {} }),
  planTraining: () => ({ taskQueue: null, search: null, minutes: 1 }),
  recordVersion: () => ({ version: "m.1", digest }),
  readChampion: () => null,
  evaluate: () => ({ ...summary, verdict: "pass", worseThanChampion: false }),
  approveByPolicy: () => ({ approval: "apr" }),
  openGate: () => ({ kind: "closed", resolution: "withdrawn", outcome: null }),
  readGate: () => ({ state: "open", resolution: null, changes: null, stale: null, outcome: null }),
  closeGate: () => ({ kind: "open", dropped: [] }),
  fallDue: () => ({ kind: "open", dropped: [] }),
  renewGate: () => ({ kind: "closed", resolution: "superseded", at: "2026-11-29T00:00:00.000Z" }),
  askSubjectAnew: () => null,
  proposePolicy: () => ({ ok: true, gate: null, ended: null }),
  findDeadRuns: () => ({ dead: [] }),
  lookAtPredictions: () => ({ looked: 1, drifting: [] }),
  suggestContract: () => ({ contract: {} }),
  planMessages: () => ({ due: [], nextMs: null, more: false }),
  forgetRecords: () => ({ predictions: 2 }),
  collectArtifacts: () => ({}),
  deliverMessage: () => ({ outcome: "delivered" }),
};

const jobAnswer = () => ({ found: [] });
const stages = ["ingest", "validate", "featurize", "train", "monitor", "deploy"];

/**
 * The real workflows on a real Temporal server, with activities that answer by a script: a history of any shape in a
 * moment, without data or a database. Only for recording histories; what activities do is tested elsewhere.
 */
export async function createScripted(workflowBundle: { code: string }) {
  const namespace = await createTestNamespace();
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const client = new Client({ connection: await Connection.connect({ address: temporalAddress() }), namespace });
  let answers: Answers = usual;
  const calls = new Map<string, number>();
  const names = (await requiredFeatures()).flatMap((feature) => /^activity (\w+)$/.exec(feature)?.[1] ?? []);
  const activities = Object.fromEntries(
    names.map((name) => [
      name,
      (input: Record<string, unknown>) => {
        const n = (calls.get(name) ?? 0) + 1;
        calls.set(name, n);
        const answer = answers[name];
        if (answer) return Promise.resolve(answer(input, n));
        if (stages.includes(name)) return Promise.resolve(summary);
        return Promise.resolve(/^(end|supersede|renew|tell|revive|answer|look|lapse|stop)/.test(name) ? jobAnswer() : undefined);
      },
    ]),
  );
  const workers = await Promise.all(
    ["lifecycle", "stages", "train", "notify"].map((taskQueue) =>
      Worker.create({
        connection,
        namespace,
        taskQueue,
        activities,
        shutdownGraceTime: "1s",
        ...(taskQueue === "lifecycle" && { workflowBundle }),
        sinks: { continued: { with: { fn: () => undefined, callDuringReplay: false } } },
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    client,
    script(changed: Answers) {
      answers = { ...usual, ...changed };
      calls.clear();
    },
    async stop() {
      for (const worker of workers) worker.shutdown();
      await running;
      await client.connection.close();
      await connection.close();
    },
  };
}

export type Scripted = Awaited<ReturnType<typeof createScripted>>;

import type { Client } from "@temporalio/client";
import { readWays } from "../db/message-ways.ts";
import { pingDatabase } from "../db/reads/health.ts";
import type { ReadyView } from "../domain/http/record-views.ts";
import { saidByWorkers } from "../domain/training-worker.ts";
import type { ControlContext } from "./deps.ts";
import { watchState } from "./watch.ts";

type Check = ReadyView["checks"]["temporal"];

/** A part that takes longer counts as down. */
const answersWithinMs = 2_500;
/** Workers poll at least once a minute; one that was last seen longer ago is gone. The server remembers it for five. */
const polledWithinMs = 75_000;

/** What a release needs: workflows, records, data work, other people's code. The values are those of the protocol's TaskQueueType. */
const neededQueues = [
  { queue: "lifecycle", type: 1, what: "workflows" },
  { queue: "lifecycle", type: 2, what: "records" },
  { queue: "stages", type: 2, what: "stages" },
  { queue: "train", type: 2, what: "training" },
] as const;

/** Says for each part: up, or what is wrong. */
export async function readiness(context: ControlContext): Promise<ReadyView> {
  const [temporal, postgres, artifacts, workers] = await Promise.all([
    check(() =>
      context.temporal
        .withDeadline(Date.now() + answersWithinMs, () => context.temporal.workflowService.getSystemInfo({}))
        .then(() => "answers"),
    ),
    check(() => pingDatabase(context.db).then(() => "answers")),
    check(() => context.store.checkHealth().then(() => "can be written and read")),
    check(() => pollers(context.temporal)),
  ]);
  const checks = { temporal, postgres, artifacts, workers };
  const [ways, watch] = await Promise.all([waysOf(context), check(() => watchState(context))]);
  const isUp = Object.values(checks).every((one) => one.up);
  const isWhole = watch.up && ways.every((one) => one.up);
  return { status: isUp ? (isWhole ? "ready" : "degraded") : "unready", checks, ways, watch };
}

/** As their last use showed; with the database away nothing is known of them. */
async function waysOf({ db }: ControlContext): Promise<ReadyView["ways"]> {
  const rows = await readWays(db).catch(() => []);
  return rows.map(({ way, code, detail, cure }) => ({ way, up: code === "ok", detail, cure }));
}

async function check(probe: () => Promise<string>): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${answersWithinMs / 1000} s`)), answersWithinMs + 100);
  });
  try {
    return { up: true, detail: await Promise.race([probe(), late]) };
  } catch (error) {
    return { up: false, detail: wordsOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The first line of what went wrong, without addresses of the inside. */
function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message || error.name : String(error);
  return (words.split("\n")[0] ?? "").replaceAll(/\b\d{1,3}(\.\d{1,3}){3}:\d+\b/g, "its address").slice(0, 400);
}

/** Throws, naming the kinds of work that nobody takes. */
async function pollers(client: Client): Promise<string> {
  const { namespace } = client.options;
  const found = await client.withDeadline(Date.now() + answersWithinMs, () =>
    Promise.all(
      neededQueues.map(async ({ queue, type, what }) => {
        const { pollers: seen } = await client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: queue },
          taskQueueType: type,
        });
        const present = (seen ?? []).filter(
          (poller) => Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < polledWithinMs,
        );
        return { what, identities: present.map(({ identity }) => identity ?? "") };
      }),
    ),
  );
  const missing = found.filter(({ identities }) => identities.length === 0).map((one) => one.what);
  if (missing.length > 0) throw new Error(`no worker takes ${missing.join(", ")}`);
  return ["take work from all queues", ...saidByWorkers(found.flatMap(({ identities }) => identities))].join("; ");
}

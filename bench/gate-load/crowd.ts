import type { GateStand } from "../gate-stand.ts";
import { secondsSince, tell } from "./telling.ts";

/** So many decisions on one gate in the same moment: one resolution, and each attempt answered. */
export async function crowdOnOne(stand: GateStand, decisions: number): Promise<void> {
  const gate = `ext.bench.crowd-${Date.now()}`;
  await stand.startGate(gate);
  const digest = await stand.untilOpen(gate);
  const before = memoryMb();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, memoryMb())), 100);
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: decisions }, (_, index) => stand.decide(stand.tokenOf(index), gate, digest)),
  );
  clearInterval(watch);
  const took = secondsSince(began);
  const kinds = new Map<string, number>();
  for (const { receipt } of answers) kinds.set(receipt, (kinds.get(receipt) ?? 0) + 1);
  const closings = await stand.db
    .selectFrom("audit")
    .select("seq")
    .where("kind", "=", "gate.closed")
    .where("subject", "=", gate)
    .execute();
  const again = answers.filter(({ tries }) => tries > 1).length;
  tell(
    `${decisions} decisions on one gate: ${took} s, ${closings.length} resolution, ${[...kinds].map(([kind, n]) => `${n} ${kind}`).join(", ")}; ${again} were told to try again before; memory of the door ${before} → ${most} MB`,
  );
}

export async function crowdOnBare(stand: GateStand, decisions: number): Promise<void> {
  const handle = await stand.client.workflow.start("bareGate", {
    taskQueue: "bench-bare",
    workflowId: `bare-crowd-${Date.now()}`,
  });
  const began = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: decisions }, () => stand.client.withDeadline(Date.now() + 30_000, () => handle.executeUpdate("decide"))),
  );
  const accepted = outcomes.filter((one) => one.status === "fulfilled").length;
  tell(`the same on a bare workflow: ${secondsSince(began)} s, ${accepted} answered, ${decisions - accepted} failed`);
}

const memoryMb = () => Math.round(process.memoryUsage().rss / 2 ** 20);

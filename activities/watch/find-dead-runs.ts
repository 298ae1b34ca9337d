import type { WatchJob } from "../../domain/watch.ts";
import type { WatchActivities } from "../contract.ts";

/** In the order of earlier versions of the product: the gate of a dead release is withdrawn with it and not asked again. */
const inOrder = [
  "endDeadReleases",
  "supersedeDeadGates",
  "supersedeDeadReviews",
  "renewDeadSubjectGates",
  "endDeadForeignGates",
  "tellClosedGates",
  "stopRetired",
  "endDeadReproductions",
  "lapseConditions",
  "lookAtApprovals",
  "tellStaleGates",
] as const satisfies WatchJob[];

const gateJobs: WatchJob[] = ["supersedeDeadGates", "supersedeDeadReviews", "renewDeadSubjectGates", "endDeadForeignGates"];

/**
 * The jobs of the watch in one activity, as rounds ask for it that an earlier version of the product began. One that
 * fails keeps none of the others from its work, and is told at the end.
 */
export async function findDeadRuns(watch: WatchActivities): Promise<{ dead: { kind: "release" | "gate"; id: string }[] }> {
  const dead: { kind: "release" | "gate"; id: string }[] = [];
  const failures: unknown[] = [];
  for (const job of inOrder) {
    try {
      const { found } = await watch[job]();
      if (job === "endDeadReleases") dead.push(...found.map((id) => ({ kind: "release" as const, id })));
      if (gateJobs.includes(job)) dead.push(...found.map((id) => ({ kind: "gate" as const, id })));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { dead };
}

import { appendAudit } from "../../db/audit.ts";
import type { Db } from "../../db/database.ts";
import { lockPolicies, publishPolicy } from "../../db/policies.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import type { Policy } from "../../domain/policy.ts";

/** Puts a policy for `medium`, `managed` models in force: the built-in one with something else in it. Durations in milliseconds. */
export async function putPolicy(db: Db, change: (policy: Policy) => Partial<Policy>): Promise<Policy> {
  const builtIn = builtInPolicies.find(({ id }) => id === "medium-managed");
  if (!builtIn) throw new Error("There is no medium-managed.");
  return db.transaction().execute(async (trx) => {
    await lockPolicies(trx);
    const { last } = await trx
      .selectFrom("policies")
      .select((eb) => eb.fn.max("version").as("last"))
      .where("id", "=", builtIn.id)
      .executeTakeFirstOrThrow();
    const policy: Policy = { ...builtIn, ...change(builtIn), id: builtIn.id, version: (last ?? 0) + 1 };
    await appendAudit(trx, [await publishPolicy(trx, policy, "countersign")]);
    return policy;
  });
}

/** The same where only the promotion gate differs. */
export function putPromotionGate(db: Db, change: Partial<Policy["gates"][number]>): Promise<Policy> {
  return putPolicy(db, ({ gates }) => ({ gates: gates.map((gate) => ({ ...gate, ...change })) }));
}

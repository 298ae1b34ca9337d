import type { RecordActivities } from "../../activities/contract.ts";
import { digestOfJson } from "../../domain/digest.ts";
import type { GateRule } from "../../domain/policy.ts";
import type { Registry } from "../records/registry.ts";

interface Planting {
  registry: Registry;
  records: RecordActivities;
  number: number;
  change: Partial<GateRule>;
  contributors: { principal: string; how: string }[];
}

/** An open gate of somebody else's workflow by this rule. */
export async function openPlantedGate({ registry, records, number, change, contributors }: Planting) {
  const gate = `ext.planted.${number}`;
  const rule: GateRule = {
    name: "r",
    ask: "May it?",
    groups: ["model-risk"],
    quorum: 1,
    deadlineMs: 3_600_000,
    onDeadline: "hold",
    ...change,
  };
  const body = {
    id: `planted-${number}`,
    version: 1,
    title: "",
    tier: "low" as const,
    gates: [],
    skippable: [],
    external: [rule],
  };
  await registry.db
    .insertInto("policies")
    .values({ id: body.id, version: 1, digest: digestOfJson(body), body: JSON.stringify(body), published_by: "olga" })
    .execute();
  const frozen = await records.freezeExternalGate({
    gate,
    external: {
      policy: body.id,
      rule: "r",
      subject: { kind: "payment-file", id: "p", digest: `sha256:${"a".repeat(64)}` },
      ask: "May it?",
      why: "A test.",
      contributors,
    },
  });
  if (!frozen.ok) throw new Error(frozen.message);
  await records.openGate({ gate, runId: gate });
  const at = { release: "", gate, digest: frozen.digest };
  const sign = (who: string, more: { decision?: "approve" | "reject"; digest?: typeof frozen.digest; at?: string } = {}) => {
    const { at: when, ...rest } = more;
    return registry.sign(
      who,
      {
        kind: "decide",
        gate,
        decision: "approve",
        digest: frozen.digest,
        seen: null,
        reason: "because",
        returnTo: null,
        parameters: {},
        inputs: {},
        ...rest,
      },
      when === undefined ? {} : { at: when },
    );
  };
  const row = () => registry.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirstOrThrow();
  const counted = async () =>
    (await registry.db.selectFrom("decisions").select("counted").where("gate_id", "=", gate).execute()).filter(
      (one) => one.counted,
    ).length;
  const close = (...commands: ReturnType<typeof sign>[]) => records.closeGate({ gate, commands });
  return { ...at, sign, row, counted, close };
}

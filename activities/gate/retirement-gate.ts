import { sql } from "kysely";
import type { Row } from "../../db/schema.ts";
import type { GateId, ModelName } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { freezeSubjectGate, readWaiting, subjectEvidence, type FrozenSubject } from "./subject-gate.ts";

interface AskedRetirement {
  command: CommandOf<"pause" | "resume" | "retire">;
  model: Row<"models">;
  policy: Row<"policies">;
  rule: GateRule;
}

/** The request about retiring a model; one that waits already is the answer, with no digest: its workflow runs. */
export async function freezeRetirementGate(
  deps: RecordDeps,
  unit: Unit,
  asked: AskedRetirement,
): Promise<FrozenSubject | { gate: GateId; digest: null }> {
  const { command, model, policy, rule } = asked;
  const waiting = await readWaiting(unit, "retirement", model.name);
  if (waiting) return { gate: waiting.id, digest: null };
  const { reason } = command.body;
  const touched = await readTouched(unit, model.name);
  const frozen = await freezeSubjectGate(deps, unit, {
    kind: "retirement",
    subject: model.name,
    digest: model.definition_digest,
    model: model.name,
    rule,
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    ask: rule.ask,
    why: `${command.principal} asked to retire ${model.name}: ${reason}`,
    evidence: subjectEvidence({
      tier: model.tier,
      tierReason: `The definition of ${model.name} names the tier ${model.tier} and the maturity ${model.maturity}, so the policy ${policy.id} ${policy.version} applies.`,
      sentence: sentenceOf(touched),
      lineage: [{ name: "definition", digest: model.definition_digest }],
      champion: touched.serving.find((slot) => slot.environment === model.environment)?.version ?? null,
      by: command.principal,
      trigger: command.surface,
      reason,
      details: [
        { title: "What serves now", text: touched.serving.map(servingInWords).join("\n") || "Nothing." },
        { title: "What happens when it is approved", text: consequencesOf(touched).join("\n") },
      ],
    }),
    excluded: [{ principal: command.principal, why: "asked to retire the model" }],
    ownerTeam: model.owner_team,
  });
  unit.note({
    kind: "retirement.proposed",
    actor: command.principal,
    model: model.name,
    subject: model.name,
    data: { command: command.id, gate: frozen.gate, reason },
  });
  return frozen;
}

/** What a retirement would end, as it is when the request is frozen. */
interface Touched {
  serving: { environment: string; version: string; asked: number }[];
  releases: string[];
  requests: string[];
  reviews: string[];
}

async function readTouched({ trx }: Unit, model: ModelName): Promise<Touched> {
  const { rows: serving } = await sql<Touched["serving"][number]>`
    select s.environment, s.champion_version as version,
      (select count(*)::int from predictions p
        where p.model = s.model and p.environment = s.environment and p.at > now() - interval '1 day') as asked
    from slots s where s.model = ${model} and s.champion_version is not null order by s.environment`.execute(trx);
  const releases = await trx
    .selectFrom("releases")
    .select("id")
    .where("model", "=", model)
    .where("state", "<>", "ended")
    .execute();
  const open = await trx
    .selectFrom("gates")
    .select(["id", "subject_kind"])
    .where("model", "=", model)
    .where("release_id", "is", null)
    .where("state", "<>", "closed")
    .orderBy("id")
    .execute();
  return {
    serving,
    releases: releases.map(({ id }) => id),
    requests: open.filter((one) => one.subject_kind === "definition").map(({ id }) => id),
    reviews: open.filter((one) => one.subject_kind === "deployment").map(({ id }) => id),
  };
}

function servingInWords({ version, environment, asked }: Touched["serving"][number]): string {
  return `${version} in ${environment}, asked for ${asked === 1 ? "1 prediction" : `${asked} predictions`} in the last 24 hours`;
}

function sentenceOf({ serving }: Touched): string {
  const stops = serving.map(({ version, environment }) => `${version} stops serving in ${environment}`);
  return `Retiring is for ever${stops.length === 0 ? "; nothing serves now" : `: ${stops.join(" and ")} in the same moment`}.`;
}

function consequencesOf({ serving, releases, requests, reviews }: Touched): string[] {
  return [
    ...serving.map(
      ({ version, environment }) => `${version} is taken out of ${environment}; who asks for a prediction is refused.`,
    ),
    ...releases.map((id) => `${id} ends as withdrawn, with whatever waits in it.`),
    ...requests.map((id) => `${id} closes as superseded.`),
    ...reviews.map((id) => `${id} stays open: what was done by break-glass is answered for all the same.`),
    "No release, definition, rollback or break-glass is taken any more, and nothing brings the model back.",
    "Its versions, evidence, decisions and audit stay and can be read.",
  ];
}

import { loadDefinitionFile } from "../../cli/definition-file.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import type { Tier } from "../../domain/policy.ts";
import type { Caller } from "./door.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

/** The thousand credit applications, under another name and tier: a whole release takes about a second. */
export async function smallModel(
  model: string,
  tier: Tier,
  change: (definition: ResolvedDefinition) => void = () => undefined,
): Promise<ResolvedDefinition> {
  const { definition, faults } = await loadDefinitionFile("examples/credit-risk/model.yaml");
  if (!definition) throw new Error(`The example has faults: ${JSON.stringify(faults)}`);
  const changed: ResolvedDefinition = {
    ...structuredClone(definition),
    model,
    tier,
    evaluate: { ...definition.evaluate, bootstrapRounds: 50 },
  };
  change(changed);
  return changed;
}

/** Applies as Ada; fails when it is refused. */
export async function apply(world: World, definition: ResolvedDefinition, as = "ada"): Promise<void> {
  const answer = await world.as(as).put(`/api/models/${definition.model}`, definition);
  if (answer.status >= 300) throw new Error(`The definition was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
}

export async function requestRelease(world: World, model: string, parameters: object = {}): Promise<string> {
  const answer = await world
    .as("ada")
    .post<{ release: string }>(`/api/models/${model}/releases`, { reason: "a test asks for it", parameters });
  if (answer.status !== 202) throw new Error(`The release was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.release;
}

/** Waits until the release is in one of the states, and gives it as Olga, who sees all, sees it. */
export async function untilState(
  world: World,
  release: string,
  states: ReleaseView["state"][],
  withinMs = 45_000,
): Promise<ReleaseView> {
  let last: ReleaseView | undefined;
  try {
    return await until(
      `${release} ${states.join(" or ")}`,
      async () => {
        const { status, body } = await world.as("olga").get<ReleaseView>(`/api/releases/${release}`);
        if (status === 200) last = body;
        return status === 200 && states.includes(body.state) && body;
      },
      withinMs,
    );
  } catch (error) {
    throw new Error(
      `${release} stands at: ${JSON.stringify(last && { state: last.state, stage: last.stage, outcome: last.outcome, waitsFor: last.waitsFor, blocked: last.blocked })}`,
      { cause: error },
    );
  }
}

/** The open gate of a release that waits. */
export async function untilGate(world: World, release: string, withinMs = 45_000): Promise<GateView> {
  const gate = await until(
    `an open gate of ${release}`,
    async () => {
      const { body } = await world.as("olga").get<ReleaseView>(`/api/releases/${release}`);
      if (body.state === "blocked" || body.state === "ended")
        throw new Error(`${release} is ${body.state}: ${JSON.stringify(body.blocked ?? body.waitsFor)}`);
      return body.gates?.find((one) => one.state === "open");
    },
    withinMs,
  );
  return (await world.as("grace").get<GateView>(`/api/gates/${gate.id}`)).body;
}

export interface Decided {
  receipt: string;
  message: string;
  gate: { state: string; resolution: string | null };
  missing: string[];
}

export function decide(
  caller: Caller,
  gate: GateView,
  body: object,
): ReturnType<Caller["post"]> & Promise<{ status: number; body: Decided }> {
  return caller.post<Decided>(`/api/gates/${gate.id}/decisions`, { digest: gate.request.digest, ...body });
}

/** From the request to the end: applies nothing, approves as Grace where somebody is asked. */
export async function promote(world: World, model: string, parameters: object = {}): Promise<ReleaseView> {
  const release = await requestRelease(world, model, parameters);
  const gate = await untilGate(world, release);
  const decided = await decide(world.as("grace"), gate, { decision: "approve" });
  if (decided.body.receipt !== "accepted") throw new Error(`Not accepted: ${JSON.stringify(decided.body)}`);
  return untilState(world, release, ["ended"]);
}

import { join } from "node:path";
import type { ResolvedDefinition } from "../../../domain/definition-schema.ts";
import type { LocalRoot } from "../../../files/local-root.ts";
import type { ApiClient } from "./api-client.ts";
import { predictionSchema, type GateView, type ReleaseView } from "./api-shapes.ts";
import type { Display } from "../display.ts";
import { exampleRow } from "./example-row.ts";
import type { Endpoints } from "../instance.ts";

/** What the instructions refer to. */
export interface Place {
  endpoints: Endpoints;
  tokens: Record<string, string>;
  homeFolder: string;
}

/** A member of `model-risk` in every development instance, who contributed to nothing. */
const approver = "grace";
const cli = "npx countersign";

/** A command that can be pasted into a shell as it stands. */
function curl(url: string, options: { token: string | undefined; body: unknown }): string {
  const body = JSON.stringify(options.body).replaceAll("'", String.raw`'\''`);
  return [
    `curl -sS ${url}`,
    `-H 'authorization: Bearer ${options.token ?? "<token>"}'`,
    "-H 'content-type: application/json'",
    `-d '${body}'`,
  ].join(" \\\n           ");
}

/** At an open gate: what is asked, and the three ways to answer. */
export function tellGate(gate: GateView, { endpoints, tokens, homeFolder }: Place, display: Display): void {
  const page = gate.links?.console ?? `${endpoints.console}/gates/${gate.id}`;
  const decide = curl(`${endpoints.api}/api/gates/${gate.id}/decisions`, {
    token: tokens[approver],
    body: { decision: "approve", digest: gate.request.digest },
  });
  for (const line of [
    "",
    `A person must decide: ${gate.request.ask ?? gate.id}`,
    ...(gate.request.why == null ? [] : [`  why now   ${gate.request.why}`]),
    `  look      ${page}`,
    `            sign in as ${approver} with the token in ${join(homeFolder, "tokens.json")}`,
    `  approve   ${cli} approve ${gate.id} --as ${approver}`,
    `  or        ${decide}`,
    "",
  ])
    display.line(line);
}

/** With a blocked release: the cause, where to look, and what can be done. */
export function tellBlocked(release: ReleaseView, { homeFolder }: Place, display: Display): void {
  const failed = release.stages.findLast((stage) => stage.state === "failed");
  for (const line of [
    "",
    `Release ${release.id} is blocked: ${release.waitsFor ?? failed?.summary ?? "a stage failed for good"}`,
    `  its log   ${cli} logs ${release.id}${failed === undefined ? "" : ` --stage ${failed.stage}`}`,
    `  retry     ${cli} unblock ${release.id} --retry --reason "…"`,
    `  give up   ${cli} unblock ${release.id} --abandon --reason "…"`,
    ...places(release, homeFolder),
    "",
  ])
    display.line(line);
}

/** When nothing has moved for long: where to look. */
export function tellStuck(release: ReleaseView, { homeFolder }: Place, display: Display): void {
  const running = release.stages.find((stage) => stage.state === "running");
  display.line(`! nothing has moved for two minutes (${running === undefined ? release.state : `stage ${running.stage}`}):`);
  for (const line of places(release, homeFolder)) display.line(line);
}

function places(release: ReleaseView, homeFolder: string): string[] {
  return [
    `  processes ${join(homeFolder, "logs")}${"/"}worker-lifecycle.log, worker-stages.log, worker-train.log`,
    ...(release.links.temporal == null ? [] : [`  Temporal  ${release.links.temporal}`]),
  ];
}

/** Asks the champion about a real row, and shows how to ask it oneself. */
export async function tellPrediction(
  api: ApiClient,
  { place, definition, data, display }: { place: Place; definition: ResolvedDefinition; data: LocalRoot; display: Display },
): Promise<void> {
  const row = await exampleRow(definition, data);
  if (row === null) {
    display.line(`  ${definition.model} serves; its newest data has no complete row to show a prediction on`);
    return;
  }
  const body = { instances: [row] };
  const path = `/api/models/${definition.model}/predictions`;
  const answer = await api.send("POST", path, { body, schema: predictionSchema });
  for (const line of [
    "",
    `${answer.version} serves. ${definition.title}`,
    `  ask       ${curl(`${place.endpoints.api}${path}`, { token: place.tokens["ada"], body })}`,
    `  answer    ${JSON.stringify(answer)}`,
    `  console   ${place.endpoints.console}`,
    `  Temporal  ${place.endpoints.temporalUi}`,
    "",
  ])
    display.line(line);
}

import type { Command } from "commander";
import type { GateItemView, GateView } from "../../domain/http/gate-views.ts";
import type { ModelItemView, ModelView } from "../../domain/http/model-views.ts";
import type { ReconciliationView } from "../../domain/http/reconciliation-views.ts";
import type { AuditVerificationView, CommandView, Page, ReadyView } from "../../domain/http/record-views.ts";
import type { ReleaseItemView, ReleaseView } from "../../domain/http/release-views.ts";
import { gateIdPattern, releaseIdPattern } from "../../domain/ids.ts";
import { didYouMean, listed } from "../../domain/suggestion.ts";
import { connect, say, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { gateInWords } from "../gate-text.ts";
import { clock, paint, table, toneOf } from "../output.ts";
import type { Output } from "../output.ts";
import { releaseInWords } from "../release-text.ts";
import { watchGate, watchRelease } from "../watch.ts";

const kinds = ["models", "releases", "gates"] as const;

export function addLookCommands(program: Command, context: Context): void {
  program
    .command("list")
    .description("models, releases or gates, newest first")
    .argument("<what>", kinds.join(", "))
    .option("--model <name>")
    .option("--state <state>")
    .option("--limit <number>", "how many, 200 at most", "50")
    .action(async (what: string, options: { model?: string; state?: string; limit: string }, command: Command) =>
      list(what, { options, command, context }),
    );
  program
    .command("show")
    .description("a model, a release, a gate or a command")
    .argument("<id>", "such as flight-delays, flight-delays.3, flight-delays.3.promotion.1")
    .option("--watch", "go on telling what changes, until it ends")
    .action(async (id: string, { watch }: { watch?: boolean }, command: Command) =>
      show(id, { watch: watch === true, command, context }),
    );
  program
    .command("inbox")
    .description("the gates that wait, yours first")
    .action(async (_options, command: Command) => inbox(command, context));
  program
    .command("reconcile")
    .description("What one of PostgreSQL and Temporal knows and the other does not, and what to do")
    .action(async (_options, command: Command) => reconcile(command, context));
  program
    .command("health")
    .description("whether everything that the API needs is up")
    .action(async (_options, command: Command) => health(command, context));
  program
    .command("audit")
    .description("follows the audit chain from its first record, and says what that proves")
    .action(async (_options, command: Command) => audit(command, context));
}

interface Listing {
  options: { model?: string; state?: string; limit: string };
  command: Command;
  context: Context;
}

async function list(what: string, { options, command, context }: Listing): Promise<void> {
  const kind = kinds.find((one) => one === what || one.slice(0, -1) === what);
  if (kind === undefined)
    throw new CliError(exitCodes.badInput, `\`${what}\` cannot be listed.${didYouMean(what, kinds)}`, {
      cure: `These can: ${listed(kinds, "and")}.`,
    });
  const query = new URLSearchParams({
    limit: options.limit,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.state === undefined ? {} : { state: options.state }),
  });
  const api = await connect(command, context);
  const path = `/api/${kind}?${query.toString()}`;
  const { output } = context;
  if (kind === "models")
    return say(command, context, {
      body: await api.get<Page<ModelItemView>>(path),
      words: ({ items }) => modelRows(output, items),
    });
  if (kind === "releases")
    return say(command, context, {
      body: await api.get<Page<ReleaseItemView>>(path),
      words: ({ items }) => releaseRows(output, items),
    });
  return say(command, context, {
    body: await api.get<Page<GateItemView>>(path),
    words: ({ items }) => gateRows(output, items),
  });
}

function modelRows(output: Output, models: ModelItemView[]): string {
  if (models.length === 0) return "No models yet: countersign apply <file> registers one.";
  const champion = ({ slots }: ModelItemView) =>
    slots.flatMap((slot) => (slot.champion === null ? [] : [`${slot.champion.version} in ${slot.environment}`])).join(", ") ||
    "no champion";
  return table(
    output,
    models.map((model) => [model.model, model.state, model.tier, champion(model), model.activeRelease ?? "", model.title]),
    [{ column: 1, tone: toneOf }],
  );
}

function releaseRows(output: Output, releases: ReleaseItemView[]): string {
  if (releases.length === 0) return "No releases.";
  return table(
    output,
    releases.map((release) => [
      release.id,
      release.outcome ?? release.state,
      release.stage ?? "",
      clock(release.createdAt),
      release.waitsFor ?? release.reason,
    ]),
    [{ column: 1, tone: toneOf }],
  );
}

function gateRows(output: Output, gates: GateItemView[]): string {
  if (gates.length === 0) return "No gates.";
  return table(
    output,
    gates.map((gate) => [
      gate.id,
      gate.resolution ?? gate.state,
      gate.request.deciders.groups.join("/"),
      clock(gate.request.deadline),
      gate.recommendation.sentence,
    ]),
    [{ column: 1, tone: toneOf }],
  );
}

interface Showing {
  watch: boolean;
  command: Command;
  context: Context;
}

async function show(id: string, { watch, command, context }: Showing): Promise<void> {
  const api = await connect(command, context);
  const { output } = context;
  const watching = { api, command, context };
  if (id.startsWith("cmd_"))
    return say(command, context, {
      body: await api.get<CommandView>(`/api/commands/${segment(id)}`),
      words: (view) => commandInWords(view),
    });
  if (gateIdPattern.test(id)) {
    if (watch) return watchGate(id, watching, (gate) => gateInWords(output, gate));
    return say(command, context, {
      body: await api.get<GateView>(`/api/gates/${segment(id)}`),
      words: (gate) => gateInWords(output, gate),
    });
  }
  if (releaseIdPattern.test(id)) {
    if (watch) return watchRelease(id, watching);
    return say(command, context, {
      body: await api.get<ReleaseView>(`/api/releases/${segment(id)}`),
      words: (release) => releaseInWords(output, release),
    });
  }
  const model = await api.get<ModelView>(`/api/models/${segment(id)}`);
  if (watch && model.activeRelease !== null) return watchRelease(model.activeRelease, watching);
  say(command, context, { body: model, words: (view) => modelInWords(output, view) });
}

function commandInWords({ id, state, route, by, answer }: CommandView): string {
  const answered = answer === null ? "not known yet" : `answered ${answer.status}: ${JSON.stringify(answer.body)}`;
  return `${id} (${route}, by ${by}) is ${state}: ${answered}`;
}

function modelInWords(output: Output, model: ModelView): string {
  return [
    `${paint(output, "strong", model.model)}  ${paint(output, toneOf(model.state), model.state)}  ${model.title}`,
    `Tier ${model.tier}, maturity ${model.maturity}; owned by ${model.owner.team}, ${model.owner.person} answers for it.`,
    ...model.slots.map((slot) =>
      slot.champion === null
        ? `${slot.environment}: ${slot.epoch === 0 ? "no champion yet" : "nothing serves; its champion was taken out of service"}.`
        : `${slot.environment}: ${slot.champion.version} serves since ${clock(slot.champion.since)} (epoch ${slot.epoch}).`,
    ),
    ...model.slots.flatMap(({ lapsed, champion }) =>
      lapsed === null || model.state === "retired"
        ? []
        : [
            `${paint(output, "bad", "Lapsed")}: the approval of ${lapsed.version}, ${clock(lapsed.at)}. ${lapsed.why} ${champion === null ? "Nothing serves until another version is approved." : `${champion.version} serves in its place.`}`,
          ],
    ),
    ...(model.retired === null
      ? []
      : [
          `Retired ${clock(model.retired.at)}, asked for by ${model.retired.by}${model.retired.gate === null ? "" : `, approved at ${model.retired.gate}`}: ${model.retired.reason}`,
        ]),
    ...model.waiting.map(({ gate, ask }) => `${paint(output, "wait", "Waits")}: ${ask} countersign show ${gate}`),
    ...(model.activeRelease === null ? [] : [`Active: countersign show ${model.activeRelease}`]),
    ...model.findings.map((finding) => `${paint(output, "wait", finding.kind)}: ${finding.message}`),
    `Console   ${model.links.console}`,
  ].join("\n");
}

async function inbox(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const open = await api.get<Page<GateItemView>>("/api/gates?state=open&limit=200");
  const mine = open.items.filter((gate) => gate.you.mayDecide);
  const others = open.items.filter((gate) => !gate.you.mayDecide);
  const { output } = context;
  const part = (title: string, gates: GateItemView[]) =>
    gates.length === 0 ? [] : [`${paint(output, "strong", title)}\n${gateRows(output, gates)}`];
  const words = () =>
    open.items.length === 0
      ? "Your inbox is empty: no gate is open."
      : [
          ...part("You may decide", mine),
          ...part("Others decide", others),
          ...(mine[0] === undefined ? [] : [`countersign show ${mine[0].id}`]),
        ].join("\n\n");
  say(command, context, { body: { mine, others }, words });
}

async function audit(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const body = await api.get<AuditVerificationView>("/api/audit/verification");
  context.exit(body.intact ? exitCodes.ok : exitCodes.refused);
  const words = ({ intact, records, head, fault, limits }: AuditVerificationView) =>
    intact
      ? `${paint(context.output, "good", "✓")} The chain is intact: ${records} records, up to number ${head.seq} (${head.hash}). ${limits}`
      : `${paint(context.output, "bad", "✗")} The chain is broken${fault === null ? "" : ` at record ${fault.seq}: ${fault.why}`}`;
  say(command, context, { body, words });
}

async function reconcile(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const body = await api.get<ReconciliationView>("/api/reconciliation");
  const { workflows, rows } = body.looked;
  context.exit(body.findings.length === 0 && body.complete ? exitCodes.ok : exitCodes.refused);
  const words = () =>
    [
      ...body.findings.map(({ subject, what, cure }) => `${paint(context.output, "strong", subject)}\n  ${what}\n  ${cure}`),
      `${body.findings.length} findings in ${workflows} workflows and ${rows} rows.${body.complete ? "" : " There are more workflows than were looked at."}`,
    ].join("\n");
  say(command, context, { body, words });
}

async function health(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const { status, body } = await api.probe<ReadyView>("/api/health/ready");
  context.exit(status === 200 ? exitCodes.ok : exitCodes.refused);
  if (wantsJson(command)) return context.output.out(JSON.stringify(body, null, 2));
  const rows = Object.entries({ ...body.checks, watch: body.watch }).map(([name, { up, detail }]) => [
    name,
    up ? "ready" : "failed",
    detail,
  ]);
  context.output.out(table(context.output, rows, [{ column: 1, tone: toneOf }]));
}

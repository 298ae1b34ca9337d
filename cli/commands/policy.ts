import type { Command } from "commander";
import { onDeadlineInWords } from "../../domain/notice-text.ts";
import { policyText } from "../../domain/policy-text.ts";
import type { PolicyItemView, PolicyProposedView, PolicyTestView, PolicyView } from "../../domain/http/policy-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { policyLines } from "../../domain/policy-words.ts";
import { sampleNames } from "../../domain/sample-evidence.ts";
import { connect, say, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { faultLines, paint, table } from "../output.ts";
import { loadPolicyFile, type LoadedPolicy } from "../policy-file.ts";

export function addPolicyCommands(program: Command, context: Context): void {
  const policy = program.command("policy").description("which gates a release passes, and who decides");
  policy
    .command("list")
    .description("published policies, where they are in force, and whether their gates can be decided")
    .option("--all", "those too that are in force nowhere")
    .action(async ({ all }: { all?: boolean }, command: Command) => list(all === true, command, context));
  policy
    .command("show")
    .description("a policy in words, its versions, and the one that waits")
    .argument("<id>")
    .option("--document", "as it is written: the start of the next version")
    .action(async (id: string, options: { document?: boolean }, command: Command) => show(id, { ...options, command }, context));
  policy
    .command("check")
    .description("tell every mistake in a policy, with line and column; starts nothing")
    .argument("<file...>", "policies, YAML or JSON")
    .action(async (files: string[], _options, command: Command) => check(files, command, context));
  policy
    .command("publish")
    .description("propose the next version: it passes the gate of the policy in force first")
    .argument("<file>", "a policy, YAML or JSON")
    .action(async (file: string, _options, command: Command) => publish(file, command, context));
  policy
    .command("test")
    .description("what a policy would ask of a release or of sample evidence, of whom, and why; asks nobody")
    .argument("<file|id>", "a file, or the id of a published policy")
    .option("--release <id>", "whose recorded evidence it is tried on")
    .option("--sample <name>", `sample evidence: ${sampleNames.join(", ")}`)
    .action(async (what: string, options: Tried, command: Command) => test(what, { ...options, command }, context));
}

async function list(all: boolean, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const { output } = context;
  say(command, context, {
    body: await api.get<Page<PolicyItemView>>("/api/policies?limit=200"),
    words: ({ items }) =>
      table(
        output,
        items
          .filter((one) => all || one.governs.length > 0)
          .map((one) => [`${one.id} ${one.version}`, whereInForce(one), one.title, ...troubles(one).map((why) => `! ${why}`)]),
      ),
  });
}

function whereInForce({ governs }: PolicyItemView): string {
  const places = governs.map(({ maturity, team }) => (team === null ? maturity : `${maturity} of ${team}`));
  return places.length > 0 ? places.join(", ") : "in force nowhere";
}

function troubles({ gates }: PolicyItemView): string[] {
  return gates.flatMap(({ name, mayDecide: { trouble } }) => (trouble === null ? [] : [`${name}: ${trouble}`]));
}

async function show(id: string, options: { document?: boolean; command: Command }, context: Context): Promise<void> {
  const { command, document } = options;
  const api = await connect(command, context);
  const { output } = context;
  say(command, context, {
    body: await api.get<PolicyView>(`/api/policies/${segment(id)}`),
    words: (policy) => {
      if (document) return policyText(policy.document);
      const { waiting } = policy;
      return [
        `${paint(output, "strong", `${policy.id} ${policy.version}`)}  ${policy.title}`,
        `In force: ${whereInForce(policy)}.`,
        ...policy.inWords.map((line) => `  ${line}`),
        ...[...policy.gates, ...policy.rules].map(
          ({ name, mayDecide: { now, trouble } }) =>
            `  ${name}: ${now === null ? "who may decide depends on the owner team" : `${now} may decide now`}${trouble === null ? "." : `. ${paint(output, "bad", trouble)}`}`,
        ),
        ...policy.versions.map((one) =>
          paint(output, "dim", `${one.version}  ${one.publishedAt}  ${one.publishedBy}  ${one.digest}`),
        ),
        ...(waiting ? [`Version ${waiting.version} by ${waiting.proposedBy} waits at ${waiting.gate}.`] : []),
      ].join("\n");
    },
  });
}

async function check(files: string[], command: Command, context: Context): Promise<void> {
  const { output } = context;
  const loaded = await Promise.all(files.map(async (file) => ({ file, ...(await loadPolicyFile(file)) })));
  const sound = loaded.every(({ policy }) => policy !== null);
  context.exit(sound ? exitCodes.ok : exitCodes.badInput);
  if (wantsJson(command)) {
    const told = loaded.map(({ file, policy, faults }) => ({ file, policy: policy?.id ?? null, faults }));
    return output.out(JSON.stringify({ ok: sound, files: told }, null, 2));
  }
  for (const { file, policy, faults } of loaded) {
    const count = `${faults.length} ${faults.length === 1 ? "fault" : "faults"}`;
    if (policy !== null)
      output.out(
        [`${paint(output, "good", "✓")} ${file}: ${policy.id} is sound.`, ...policyLines(policy).map((line) => `  ${line}`)].join(
          "\n",
        ),
      );
    else output.err(`${faultLines(output, faults)}\n${paint(output, "bad", "✗")} ${file}: ${count}.`);
  }
}

async function publish(file: string, command: Command, context: Context): Promise<void> {
  const loaded = await soundFile(file);
  const api = await connect(command, context);
  const { body } = await atItsPlaces(loaded, "", () =>
    api.send<PolicyProposedView>(`/api/policies/${segment(loaded.policy.id)}`, loaded.document, { method: "PUT" }),
  );
  say(command, context, {
    body,
    words: ({ policy, version, published, gate, digest }) =>
      published
        ? `${policy} ${version} is published: releases that start from now on are pinned to it. ${paint(context.output, "dim", digest)}`
        : `${policy} ${version} waits at ${gate ?? "its gate"}; what is in force stays in force until it is approved.\nNext: countersign show ${gate ?? ""}`,
  });
}

interface Tried {
  release?: string;
  sample?: string;
}

async function test(what: string, { release, sample, command }: Tried & { command: Command }, context: Context): Promise<void> {
  const isFile = /[./\\]/.test(what);
  const loaded = isFile ? await soundFile(what) : null;
  const api = await connect(command, context);
  const body = { ...(loaded && { document: loaded.document }), ...(release && { release }), ...(sample && { sample }) };
  const id = loaded?.policy.id ?? what;
  const send = () => api.send<PolicyTestView>(`/api/policies/${segment(id)}/test`, body);
  const answer = loaded === null ? await send() : await atItsPlaces(loaded, "document.", send);
  say(command, context, { body: answer.body, words: (outlook) => outlookInWords(outlook, context) });
}

function outlookInWords({ policy, evidence, summary, gates }: PolicyTestView, { output }: Context): string {
  const name = `${policy.id}${policy.version === null ? ", not published," : ` ${policy.version}`}`;
  return [
    `${paint(output, "strong", name)} on ${evidence.release ?? `the sample ${evidence.sample ?? "ordinary"}`}: ${summary}`,
    ...gates.flatMap((gate) => [
      `  ${gate.needed ? paint(output, "wait", "asks") : paint(output, "dim", "asks nobody")}  ${gate.name} after ${gate.after}. ${gate.why}`,
      ...(gate.needed
        ? [
            `        ${gate.ask} ${gate.quorum} within ${gate.deadline}, ${onDeadlineInWords[gate.onDeadline]}.`,
            `        May decide now: ${gate.mayDecide.join(", ") || "nobody"}.${gate.undecidable === null ? "" : ` ${paint(output, "bad", gate.undecidable)}`}`,
            ...gate.barred.map(({ principal, why }) => `        Not ${principal}, who ${why}.`),
          ]
        : []),
    ]),
  ].join("\n");
}

async function soundFile(file: string): Promise<LoadedPolicy & { policy: NonNullable<LoadedPolicy["policy"]> }> {
  const loaded = await loadPolicyFile(file);
  const { policy, faults } = loaded;
  if (policy !== null) return { ...loaded, policy };
  throw new CliError(
    exitCodes.badInput,
    `${file} has ${faults.length} ${faults.length === 1 ? "fault" : "faults"}; nothing was sent.`,
    { faults, body: { ok: false, faults } },
  );
}

/** What the server finds (an unknown group, say) stands at its line in the file as well. */
async function atItsPlaces<Answer>(loaded: LoadedPolicy, prefix: string, send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof CliError) || error.faults.length === 0) throw error;
    const faults = error.faults.map(({ path, message }) =>
      loaded.placed({ path: path.startsWith(prefix) ? path.slice(prefix.length) : path, message }),
    );
    throw new CliError(error.exitCode, error.message, { cure: error.cure, faults, body: error.body });
  }
}

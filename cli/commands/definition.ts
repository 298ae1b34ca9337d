import type { Command } from "commander";
import type { DefinitionAppliedView } from "../../domain/http/model-views.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import { groupsIn } from "../../domain/policy-deciders.ts";
import { either } from "../../domain/wording.ts";
import { compileSql } from "../compiled-sql.ts";
import { connect, say, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { loadDefinitionFile } from "../definition-file.ts";
import type { LoadedDefinition } from "../definition-file.ts";
import { CliError, exitCodes } from "../exit.ts";
import { faultLines, paint } from "../output.ts";

export function addDefinitionCommands(program: Command, context: Context): void {
  program
    .command("check")
    .description("tell every mistake in a definition, with line and column; starts nothing")
    .argument("<file...>", "definitions, YAML or JSON")
    .action(async (files: string[], _options, command: Command) => check(files, command, context));
  program
    .command("apply")
    .description("register a model, or change its definition")
    .argument("<file>", "a definition, YAML or JSON")
    .action(async (file: string, _options, command: Command) => apply(file, command, context));
}

async function check(files: string[], command: Command, context: Context): Promise<void> {
  const { output } = context;
  const { checked, notCompiled } = await checkFiles(files, context);
  const sound = checked.every(({ faults }) => faults.length === 0);
  context.exit(sound ? exitCodes.ok : exitCodes.badInput);
  if (wantsJson(command)) {
    const told = checked.map(({ file, definition, faults }) => ({ file, model: definition?.model ?? null, faults }));
    return output.out(JSON.stringify({ ok: sound, files: told, sqlCompiled: notCompiled === null }, null, 2));
  }
  for (const { file, definition, faults } of checked) {
    if (definition !== null) output.out(`${paint(output, "good", "✓")} ${file}: ${soundInWords(definition)}`);
    else
      output.err(
        `${faultLines(output, faults, file)}\n${paint(output, "bad", "✗")} ${file}: ${faults.length} ${faults.length === 1 ? "fault" : "faults"}.`,
      );
  }
  if (notCompiled !== null) output.err(`The SQL was not compiled here: ${notCompiled}`);
}

/** Checks the files, and compiles the SQL of those that are sound. */
async function checkFiles(
  files: string[],
  { signal }: Context,
): Promise<{ checked: (Omit<LoadedDefinition, "placed"> & { file: string })[]; notCompiled: string | null }> {
  const loaded = await Promise.all(files.map(async (file) => ({ file, ...(await loadDefinitionFile(file)) })));
  const compiled = await compileSql(
    loaded.flatMap(({ definition }) => definition ?? []),
    { signal },
  );
  if ("reason" in compiled) return { checked: loaded, notCompiled: compiled.reason };
  const found = compiled.values();
  const checked = loaded.map(({ file, definition, faults, placed }) => {
    const inSql = definition === null ? [] : (found.next().value ?? []).map((fault) => placed(fault));
    return { file, definition: inSql.length === 0 ? definition : null, faults: [...faults, ...inSql] };
  });
  return { checked, notCompiled: null };
}

function soundInWords({ model, tier, maturity, data, features }: NonNullable<LoadedDefinition["definition"]>): string {
  // Nothing is asked of a server here; a team's own policy may say otherwise, and `countersign policy test` tells.
  const gates = builtInPolicies.find((policy) => policy.id === `${tier}-${maturity}`)?.gates ?? [];
  const groups = [...new Set(gates.flatMap(groupsIn))];
  const asks = groups.length === 0 ? "nobody is asked before promotion" : `members of ${either(groups)} decide before promotion`;
  const columns = Object.keys(features.request).length;
  const sources = Object.keys(data.sources).length;
  return `${model} is sound. Tier ${tier}, maturity ${maturity}: ${asks} by the built-in policy. ${sources} ${sources === 1 ? "source" : "sources"}, ${columns} request ${columns === 1 ? "column" : "columns"}.`;
}

async function apply(file: string, command: Command, context: Context): Promise<void> {
  const { definition, faults } = await loadDefinitionFile(file);
  if (definition === null)
    throw new CliError(
      exitCodes.badInput,
      `${file} has ${faults.length} ${faults.length === 1 ? "fault" : "faults"}; nothing was sent.`,
      { faults, body: { ok: false, faults } },
    );
  const api = await connect(command, context);
  const { status, body } = await api.send<DefinitionAppliedView>(`/api/models/${segment(definition.model)}`, definition, {
    method: "PUT",
  });
  say(command, context, {
    body,
    words: (applied) => appliedInWords(applied, { status, context }),
  });
}

function appliedInWords(
  { model, definitionDigest, gate, governed }: DefinitionAppliedView,
  { status, context }: { status: number; context: Context },
): string {
  const digest = paint(context.output, "dim", definitionDigest);
  const changes = governed.map((one) => `\n  ${one.direction}: ${one.sentence}`).join("");
  if (gate !== null)
    return `The definition of ${model} loosens what is governed, so it waits at ${gate}; the present one stays in force until it is approved. ${digest}${changes}\nNext: countersign show ${gate}`;
  const stands = status === 201 ? `${model} is registered.` : `The definition of ${model} stands.`;
  const reason = status === 201 ? "first release" : "what changed";
  return `${stands} ${digest}${changes}\nNext: countersign release ${model} --reason "${reason}"`;
}

import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { DataFinding } from "../domain/data-finding.ts";
import { CountersignError, type Fault } from "../domain/errors.ts";
import type { Digest } from "../domain/ids.ts";
import type { DatasetManifest, StageContext, ValidateResult, ValidationReport } from "../domain/stage-results.ts";
import { checkContract } from "../ml/contracts/check-contract.ts";
import { parseContract } from "../ml/contracts/parse-contract.ts";
import { count } from "../ml/count-words.ts";
import { runStage } from "./stage-run.ts";

/**
 * The second stage: does the frozen data keep its contract? A rule of severity error that fails
 * throws `contract-broken`, naming column, count and the place of the first row of each; the report is kept
 * either way, its digest in `extra.report`. Values stand in the report alone: who may not read it reads none.
 */
export function createValidateActivity({
  store,
}: {
  store: ArtifactStore;
}): (input: StageContext & { dataset: Digest }) => Promise<ValidateResult> {
  return runStage(async (input, tools) => {
    const definition = await store.getJson<ResolvedDefinition>(input.definition);
    const manifest = await store.getJson<DatasetManifest>(input.dataset);
    const contract = parseContract(definition.contract);
    const found = await checkContract({ contract, manifest, store, now: new Date() }, tools);
    const report = await store.putJson(found);
    const failed = found.rules.filter((rule) => rule.outcome === "fail");
    const broken = failed.filter((rule) => rule.severity === "error");
    if (broken.length > 0)
      throw contractBroken(found.source, broken, { report, log: await store.put(samplesInWords(found.source, broken)) });
    const warned = failed.filter((rule) => rule.severity === "warning");
    const findings = found.findings ?? [];
    const rules = found.rules.length;
    const held = `${count(found.rows)} rows of ${found.source} keep their contract (${rules} rules)`;
    const warnings = [
      ...warned.map((rule) => `${nameOf(found.source, rule)}: ${told(rule)}`),
      ...findings.filter(({ severity }) => severity === "warning").map(findingInWords),
    ];
    return {
      summary:
        warnings.length === 0
          ? held
          : `${held}, with ${warnings.length} warning${warnings.length === 1 ? "" : "s"}: ${warnings.slice(0, 3).join("; ")}`,
      verdict: warnings.length > 0 ? "warn" : "pass",
      report,
      rules,
      warned: warned.length,
      findings: findings.length,
    };
  });
}

type RuleReport = ValidationReport["rules"][number];

function nameOf(source: string, rule: RuleReport): string {
  if (rule.column === null) return source;
  return rule.column.includes(".") ? rule.column : `${source}.${rule.column}`;
}

/** "the query gave 1" says little without what was asked; and what a query answers may be a value of the data. */
function told({ rule, message }: RuleReport): string {
  const answer = /^the query gave .*?, and it /s.exec(message);
  if (answer === null) return message;
  const words = `what the query gave ${message.slice(answer[0].length)}`;
  return rule === "sql" ? words : `${rule} (${words})`;
}

function findingInWords({ column, message }: DataFinding): string {
  return column === null ? message : `${column}: ${message}`;
}

/** What the failed rules found, for those who may read the release's log; values of sensitive columns are masked in it. */
function samplesInWords(source: string, broken: RuleReport[]): string {
  const lines = broken.flatMap((rule) => [
    `${nameOf(source, rule)}: ${rule.message}`,
    ...rule.sample.map(({ file, row, value }) => `  ${file}, row ${row}: ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function contractBroken(source: string, broken: RuleReport[], kept: { report: Digest; log: Digest }): CountersignError {
  const faults: Fault[] = broken.map((rule) => {
    const [first] = rule.sample;
    const example = first === undefined ? "" : ` (the first in ${first.file}, row ${first.row})`;
    return { path: nameOf(source, rule), message: `${told(rule)}${example}` };
  });
  const [first] = faults;
  const more = faults.length > 1 ? ` And ${faults.length - 1} more rule${faults.length === 2 ? "" : "s"}.` : "";
  return new CountersignError("contract-broken", `${first?.path}: ${first?.message}.${more}`, {
    faults,
    extra: kept,
  });
}

import type { DataContract } from "../../domain/contract-schema.ts";
import { maskedValue } from "../../domain/contract-sensitivity.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { DatasetManifest, ValidationReport } from "../../domain/stage-results.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { count } from "../count-words.ts";
import { typedSource } from "../datasets/typed-source.ts";
import { type DuckDb, openDuckDb, shortMessage } from "../duckdb.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import { asksSensitive, type CheckedSource, openChecked } from "./checked-source.ts";
import { dataFindings } from "./data-findings.ts";
import { measureRules, type Surroundings } from "./measure-rules.ts";
import type { Probe, Rule } from "./rule.ts";
import { rulesOf } from "./rules.ts";
import { samplesOf } from "./samples.ts";

type RuleReport = ValidationReport["rules"][number];

export interface ContractCheck {
  contract: DataContract;
  manifest: DatasetManifest;
  store: ArtifactAccess;
  /** When the data was asked for: its age counts from here. A window that ended before counts from its end. */
  now: Date;
}

/** DuckDB keeps within this and spills the rest: with Node and what else a worker holds, under 1.5 GB. */
const memoryMb = 768;

/**
 * Looks whether the data keeps its contract: one aggregate query a source for all rules of its
 * rows, and a look at single rows only where a rule fails. Throws `invalid` for a contract that
 * does not fit the sources or that DuckDB cannot read.
 */
export async function checkContract(input: ContractCheck, { signal, progress }: StageTools): Promise<ValidationReport> {
  const { contract, manifest } = input;
  refuseStrangers(contract, manifest);
  return withScratch(async (scratch) => {
    const db = await openDuckDb({ signal, scratch, memoryMb });
    try {
      const sources = new Map<string, CheckedSource>();
      for (const { name } of contract.schema) sources.set(name, await openChecked(db, await typedSource({ ...input, name })));
      // The scratch directory is already the place to spill to; only the files themselves are left open.
      await db.harden([...sources.values()].flatMap(({ source }) => source.paths));
      const report: ValidationReport = {
        source: manifest.rows,
        rows: manifest.sources[manifest.rows]?.rows ?? 0,
        rules: [],
        findings: [],
      };
      for (const [index, table] of contract.schema.entries()) {
        const checked = sources.get(table.name);
        if (checked === undefined) continue;
        progress(`checking ${count(checked.source.manifest.rows)} rows of ${table.name}`);
        const { rules, probes } = rulesOf(table, checked.source, { path: `contract.schema[${index}]`, contract });
        for (const probe of probes) await tryProbe(db, probe);
        const around = { sources, now: momentOf(input, checked) };
        const found = await checkSource(db, checked, { rules, around, main: table.name === manifest.rows });
        report.rules.push(...found.rules);
        if (table.name !== manifest.rows) continue;
        progress(`looking for what nobody asked for in ${table.name}`);
        report.findings = await dataFindings(db, checked, found);
      }
      return report;
    } finally {
      db.close();
    }
  });
}

/** Data of a window that has ended is not stale because we look at it later. */
function momentOf({ now }: ContractCheck, { source }: CheckedSource): Date {
  const { until } = source.manifest;
  const end = until === undefined ? null : new Date(`${until}T00:00:00Z`);
  return end !== null && end < now ? end : now;
}

function refuseStrangers(contract: DataContract, manifest: DatasetManifest): void {
  const faults: Fault[] = [];
  for (const [index, table] of contract.schema.entries()) {
    const path = `contract.schema[${index}].name`;
    if (!(table.name in manifest.sources))
      faults.push({
        path,
        message: `${table.name} is none of the sources ${Object.keys(manifest.sources).join(", ")}`,
      });
    if (contract.schema.findIndex((other) => other.name === table.name) < index)
      faults.push({ path, message: `${table.name} is described twice` });
  }
  if (!contract.schema.some((table) => table.name === manifest.rows))
    faults.push({
      path: "contract.schema",
      message: `does not describe ${manifest.rows}, whose rows are the examples`,
    });
  if (faults.length > 0) throw new CountersignError("invalid", "The data contract does not fit the sources.", { faults });
}

async function tryProbe(db: DuckDb, { path, sql }: Probe): Promise<void> {
  try {
    await db.rows(sql);
  } catch (error) {
    const message = shortMessage(error, { overData: false });
    throw new CountersignError("invalid", `${path} cannot be read: ${message}`, {
      faults: [{ path, message }],
      cause: error,
    });
  }
}

async function checkSource(
  db: DuckDb,
  checked: CheckedSource,
  { rules, around, main }: { rules: Rule[]; around: Surroundings; main: boolean },
): Promise<{ rules: RuleReport[]; keyed: boolean }> {
  const { rows, values, keyed } = await measureRules(db, checked, { rules, around });
  const outcomes = rules.map((rule, index) => {
    const value = values[index] ?? 0;
    return { rule, value, passes: rule.accepts(value, rows) };
  });
  const broken = outcomes.filter(({ passes }) => !passes).map(({ rule }) => rule);
  const samples = await samplesOf(db, checked, { rules: broken, around });
  const reports = outcomes.map(({ rule, value, passes }): RuleReport => {
    const { kind } = rule.measure;
    const counted = kind === "rows" || kind === "duplicates" || kind === "orphans";
    const hidden = asksSensitive(around.sources.values(), rule);
    const told = Number.isFinite(value) && !hidden ? value : rows;
    const failing = counted ? value : passes ? 0 : kind === "known" ? rows : told;
    return {
      rule: rule.rule,
      column: main ? rule.column : `${checked.source.name}.${rule.column ?? "*"}`,
      severity: rule.severity,
      outcome: passes ? "pass" : "fail",
      failing,
      share: counted || kind === "known" ? failing / Math.max(rows, 1) : 0,
      message: passes ? "" : tell(rule, { value, rows, hidden }),
      sample: passes ? [] : (samples[broken.indexOf(rule)] ?? []),
    };
  });
  return { rules: reports, keyed };
}

function tell(rule: Rule, { value, rows, hidden }: { value: number; rows: number; hidden: boolean }): string {
  switch (rule.measure.kind) {
    case "known":
      return rule.breach;
    case "query":
      return `the query gave ${hidden ? maskedValue : value}, and it ${rule.breach}`;
    case "row-count":
      return `there are ${count(value)} rows, and their number ${rule.breach}`;
    case "age":
      return Number.isFinite(value)
        ? `the newest row is ${ageInWords(value)} old, and it ${rule.breach}`
        : `no row has a time, and the newest ${rule.breach}`;
    default:
      return `${count(value)} of ${count(rows)} rows ${rule.breach}`;
  }
}

function ageInWords(hours: number): string {
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`;
}

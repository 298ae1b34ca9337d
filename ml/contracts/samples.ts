import type { Json } from "@duckdb/node-api";
import { maskedValue } from "../../domain/contract-sensitivity.ts";
import type { ValidationReport } from "../../domain/stage-results.ts";
import type { DuckDb } from "../duckdb.ts";
import { type CheckedSource, showsSensitive } from "./checked-source.ts";
import { orphans, present, type Surroundings } from "./measure-rules.ts";
import type { Rule } from "./rule.ts";

export type Sample = ValidationReport["rules"][number]["sample"];

const sampleRows = 5;
const sampleCharacters = 80;

/**
 * The first rows that break each of the rules, in their order: one pass finds the rows of all rules
 * together, one more reads their values. What repeats or refers to nothing is looked for by itself.
 * Values of sensitive columns are not among them.
 */
export async function samplesOf(
  db: DuckDb,
  checked: CheckedSource,
  { rules, around }: { rules: Rule[]; around: Surroundings },
): Promise<Sample[]> {
  const ofRows = await rowSamples(db, checked, rules);
  const samples: Sample[] = [];
  for (const [index, rule] of rules.entries()) {
    const { measure } = rule;
    const shown = shownOf(checked, rule);
    if (measure.kind === "duplicates") {
      const repeated = `(SELECT *, row_number() OVER (PARTITION BY ${measure.columns.join(", ")} ORDER BY row_id) AS occurrence FROM ${checked.view} WHERE ${present(measure.columns)})`;
      samples.push(await firstRows(db, checked, { from: `${repeated} WHERE occurrence > 1`, shown }));
    } else if (measure.kind === "orphans")
      samples.push(await firstRows(db, checked, { from: orphans(checked, rule, around), shown }));
    else samples.push(ofRows.get(index) ?? []);
  }
  return samples;
}

async function rowSamples(db: DuckDb, checked: CheckedSource, rules: Rule[]): Promise<Map<number, Sample>> {
  const failing = rules.flatMap((rule, index) => (rule.measure.kind === "rows" ? [{ index, rule, measure: rule.measure }] : []));
  if (failing.length === 0) return new Map();
  const places = failing.map(({ measure, index }) => `min(row_id, ${sampleRows}) FILTER (WHERE ${measure.failing}) AS r${index}`);
  const [found = {}] = await db.rows(`SELECT ${places.join(", ")} FROM ${checked.view}`);
  const idsOf = (index: number) => {
    const ids = found[`r${index}`];
    return Array.isArray(ids) ? ids.map(String) : [];
  };
  const all = [...new Set(failing.flatMap(({ index }) => idsOf(index)))];
  if (all.length === 0) return new Map();
  const shown = failing.map(({ rule, index }) => `${shownOf(checked, rule)} AS v${index}`);
  const rows = await db.rows(
    `SELECT row_id, file_index, ${shown.join(", ")} FROM ${checked.view} WHERE row_id IN (${all.join(", ")})`,
  );
  const byId = new Map(rows.map((row) => [String(row["row_id"]), row]));
  return new Map(
    failing.map(({ index }) => [
      index,
      idsOf(index).flatMap((id) => {
        const row = byId.get(id);
        return row === undefined ? [] : [placed(checked, row, row[`v${index}`] ?? null)];
      }),
    ]),
  );
}

function shownOf(checked: CheckedSource, rule: Rule): string {
  const { measure } = rule;
  if (!("shown" in measure)) return "NULL";
  if (showsSensitive(checked, rule)) return `'${maskedValue}'`;
  return `left(CAST(${measure.shown} AS VARCHAR), ${sampleCharacters})`;
}

async function firstRows(db: DuckDb, checked: CheckedSource, { from, shown }: { from: string; shown: string }): Promise<Sample> {
  const found = await db.rows(`SELECT row_id, file_index, ${shown} AS shown FROM ${from} ORDER BY row_id LIMIT ${sampleRows}`);
  return found.map((row) => placed(checked, row, row["shown"] ?? null));
}

/** The row's number within its file, of its data rows from 1. */
function placed({ source }: CheckedSource, row: Record<string, Json>, value: Json): Sample[number] {
  const index = Number(row["file_index"]);
  const { files } = source.manifest;
  const before = files.slice(0, index).reduce((total, file) => total + file.rows, 0);
  return {
    row: Number(row["row_id"]) - before + 1,
    file: files[index]?.name ?? "",
    value: typeof value === "string" ? value : "(null)",
  };
}

import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Timestamp } from "../../domain/ids.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { count } from "../count-words.ts";
import type { DuckDb } from "../duckdb.ts";

/** Fewer rows than this on either side say nothing: an AUC of 50 rows has an interval of about ±0.15. */
const fewestRows = 50;
/** Strata of a number: tenths by its rank. */
const numberStrata = 10;

export interface Split {
  /** SQL over the view `rows` under the name `r`: true for rows that are held out. */
  holdout: string;
  /** Whether asking that may bring the rows out of their order: it is a join, whose sides DuckDB chooses. */
  disorders: boolean;
  trainRows: number;
  holdoutRows: number;
  /** Null when the split is not by time. */
  holdoutFrom: Timestamp | null;
}

export interface SplitInput {
  seed: number;
  time: string | undefined;
  label: LabelSpec;
}

type Cut = Pick<Split, "holdout" | "holdoutFrom"> & Partial<Pick<Split, "disorders">>;

/** As label.ts wrote them: names with a space, which no column of a request is likely to have. */
const time = 'r."labelled at"';
const group = 'r."labelled group"';

/**
 * Divides the labelled rows. By time: the latest share, cut between two moments, so that rows of
 * the same moment stay together. Random: the rows whose MD5 of seed and row number is lowest, which
 * no version of DuckDB and no number of threads changes; stratified: so within each class (or tenth
 * of a number); by group: whole groups in the order of their MD5. Throws `too-few-rows`.
 */
export async function splitRows(db: DuckDb, split: ResolvedDefinition["split"], input: SplitInput): Promise<Split> {
  const [total] = await db.rows(`SELECT count(*) AS n, count(${time}) AS timed, count(${group}) AS grouped FROM rows AS r`);
  const rows = Number(total?.["n"]);
  if (rows < 2 * fewestRows)
    throw tooFew(
      `Only ${rows} rows have a label, and ${2 * fewestRows} are the least: take a longer window or more files in data.sources, or see whether label.sql leaves rows without one.`,
    );
  const cut = await cutOf(db, split, {
    ...input,
    all: rows,
    rows: Math.round(rows * split.holdout),
    untimed: rows - Number(total?.["timed"]),
    ungrouped: rows - Number(total?.["grouped"]),
  });
  const counts = await db.rows(
    `SELECT ${cut.holdout} AS held, count(*) AS n, min(r.label) < max(r.label) AS several, CAST(min(r.label) AS VARCHAR) AS class FROM rows AS r GROUP BY ALL`,
  );
  const part = (held: boolean) => counts.find((row) => row["held"] === held);
  for (const [held, name] of [
    [false, "training"],
    [true, "holdout"],
  ] as const) {
    const found = Number(part(held)?.["n"] ?? 0);
    if (found < fewestRows)
      throw tooFew(
        `The ${name} part has ${found} rows, and ${fewestRows} are the least: change split.holdout, or take more rows in data.sources.`,
      );
    if (part(held)?.["several"] !== true)
      throw tooFew(
        `All ${found} rows of the ${name} part have the same label (${labelInWords(input.label, String(part(held)?.["class"]))}): see label.sql, or take rows in data.sources among which there are others.`,
      );
  }
  if (input.label.task === "multiclass") await everyClassIsTrained(db, cut, input.label.classes);
  return { disorders: false, ...cut, trainRows: Number(part(false)?.["n"]), holdoutRows: Number(part(true)?.["n"]) };
}

function labelInWords(label: LabelSpec, value: string): string {
  return label.task !== "binary" ? value : value === "1" ? "positive" : "negative";
}

type CutInput = SplitInput & { all: number; rows: number; untimed: number; ungrouped: number };

function cutOf(db: DuckDb, split: ResolvedDefinition["split"], input: CutInput): Promise<Cut> {
  switch (split.by) {
    case "time":
      return timeCut(db, { ...input, holdout: split.holdout });
    case "random":
      return randomCut(db, input);
    case "group":
      return groupCut(db, { ...input, group: split.group ?? "" });
    case "stratified":
      return stratifiedCut(db, { ...input, holdout: split.holdout });
  }
}

async function timeCut(db: DuckDb, input: CutInput & { holdout: number }): Promise<Cut> {
  if (input.time === undefined) {
    const fault = { path: "data.sources", message: "the row source needs `time` to be split by time" };
    throw new CountersignError("invalid", "The row source has no time column, which a split by time needs.", { faults: [fault] });
  }
  if (input.untimed > 0) throw without(input.untimed, input.time);
  const share = 1 - input.holdout;
  // By sorting, which can spill: a quantile holds every moment in memory.
  const before = Math.max(1, input.all - Math.floor(input.all - share * input.all)) - 1;
  const [found] = await db.rows(
    `SELECT strftime(${time}, '%Y-%m-%dT%H:%M:%S.%g') AS moment FROM rows AS r ORDER BY ${time} LIMIT 1 OFFSET ${before}`,
  );
  const moment = `${String(found?.["moment"])}Z`;
  return { holdout: `(${time} >= CAST('${moment.slice(0, -1)}' AS TIMESTAMP))`, holdoutFrom: moment };
}

async function randomCut(db: DuckDb, input: CutInput): Promise<Cut> {
  const draw = `md5('${input.seed}:' || r.row_id)`;
  const [last] = await db.rows(
    `SELECT max(draw) AS draw FROM (SELECT ${draw} AS draw FROM rows AS r ORDER BY draw LIMIT ${input.rows})`,
  );
  return { holdout: `(${draw} <= '${String(last?.["draw"] ?? "")}')`, holdoutFrom: null };
}

/** Groups are taken while the rows taken so far are fewer than wanted: the last one may go beyond. */
async function groupCut(db: DuckDb, input: CutInput & { group: string }): Promise<Cut> {
  if (input.ungrouped > 0) throw without(input.ungrouped, input.group);
  const draw = `md5('${input.seed}:' || ${group})`;
  const [found] = await db.rows(
    `SELECT max(draw) FILTER (WHERE before < ${input.rows}) AS draw, count(*) AS groups FROM (SELECT ${draw} AS draw, sum(count(*)) OVER (ORDER BY draw ROWS UNBOUNDED PRECEDING) - count(*) AS before FROM rows AS r GROUP BY 1)`,
  );
  if (Number(found?.["groups"]) < 2) throw tooFew(`All rows are of one group by ${input.group}, which cannot be divided.`);
  return { holdout: `(${draw} <= '${String(found?.["draw"] ?? "")}')`, holdoutFrom: null };
}

async function stratifiedCut(db: DuckDb, input: CutInput & { holdout: number }): Promise<Cut> {
  const stratum = input.label.task === "regression" ? `ntile(${numberStrata}) OVER (ORDER BY label, row_id)` : "label";
  const drawn = `SELECT row_id, row_number() OVER (PARTITION BY stratum ORDER BY md5('${input.seed}:' || row_id)) AS place, count(*) OVER (PARTITION BY stratum) AS n FROM (SELECT row_id, ${stratum} AS stratum FROM rows)`;
  await db.run(
    `CREATE OR REPLACE TEMP TABLE drawn_rows AS SELECT row_id FROM (${drawn}) WHERE place <= round(n * ${input.holdout})`,
  );
  return { holdout: "(r.row_id IN (SELECT row_id FROM drawn_rows))", holdoutFrom: null, disorders: true };
}

/** A class that the model never sees cannot be answered: its probability would be a number without a meaning. */
async function everyClassIsTrained(db: DuckDb, { holdout }: Cut, classes: string[]): Promise<void> {
  const found = await db.rows(`SELECT DISTINCT r.label FROM rows AS r WHERE NOT ${holdout}`);
  const trained = new Set(found.map((row) => String(row["label"])));
  const absent = classes.filter((name) => !trained.has(name));
  if (absent.length > 0) throw tooFew(`The training part has no row of the class ${absent.slice(0, 5).join(", ")}.`);
}

function without(rows: number, column: string): CountersignError {
  const message = `${count(rows)} rows with a label have no ${column}, by which they are split`;
  return new CountersignError("contract-broken", `${message}.`, { faults: [{ path: column, message }] });
}

function tooFew(message: string): CountersignError {
  return new CountersignError("too-few-rows", message, { faults: [{ path: "data.sources", message }] });
}

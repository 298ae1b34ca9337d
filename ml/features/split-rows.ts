import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Timestamp } from "../../domain/ids.ts";
import type { DuckDb } from "../duckdb.ts";

/** Fewer rows than this on either side say nothing: an AUC of 50 rows has an interval of about ±0.15. */
const fewestRows = 50;

export interface Split {
  /** SQL over `labelled` (row_id, time, label): true for rows that are held out. */
  holdout: string;
  trainRows: number;
  holdoutRows: number;
  /** Null when the split is random. */
  holdoutFrom: Timestamp | null;
}

/**
 * Divides the labelled rows. By time: the latest share, cut between two moments, so that rows of
 * the same moment stay together. Random: the rows whose MD5 of seed and row number is lowest,
 * which no version of DuckDB and no number of threads changes. Throws `too-few-rows`.
 */
export async function splitRows(
  db: DuckDb,
  split: ResolvedDefinition["split"],
  input: { seed: number; time: string | undefined },
): Promise<Split> {
  const [total] = await db.rows("SELECT count(*) AS n, count(time) AS timed FROM labelled");
  const rows = Number(total?.["n"]);
  if (rows < 2 * fewestRows) throw tooFew(`Only ${rows} rows have a label, and ${2 * fewestRows} are the least.`);
  const cut =
    split.by === "time"
      ? await timeCut(db, { ...input, holdout: split.holdout, untimed: rows - Number(total?.["timed"]) })
      : await randomCut(db, { ...input, rows: Math.round(rows * split.holdout) });
  const counts = await db.rows(
    `SELECT ${cut.holdout} AS held, count(*) AS n, count(DISTINCT label) AS classes, min(label) AS class FROM labelled GROUP BY ALL`,
  );
  const part = (held: boolean) => counts.find((row) => row["held"] === held);
  for (const [held, name] of [
    [false, "training"],
    [true, "holdout"],
  ] as const) {
    const found = Number(part(held)?.["n"] ?? 0);
    if (found < fewestRows) throw tooFew(`The ${name} part has ${found} rows, and ${fewestRows} are the least.`);
    if (Number(part(held)?.["classes"]) < 2)
      throw tooFew(
        `All ${found} rows of the ${name} part have the same label (${Number(part(held)?.["class"]) === 1 ? "positive" : "negative"}).`,
      );
  }
  return { ...cut, trainRows: Number(part(false)?.["n"]), holdoutRows: Number(part(true)?.["n"]) };
}

async function timeCut(
  db: DuckDb,
  input: { time: string | undefined; holdout: number; untimed: number },
): Promise<Pick<Split, "holdout" | "holdoutFrom">> {
  if (input.time === undefined) {
    const fault = { path: "data.sources", message: "the row source needs `time` to be split by time" };
    throw new CountersignError("invalid", "The row source has no time column, which a split by time needs.", { faults: [fault] });
  }
  if (input.untimed > 0) {
    const message = `${input.untimed} rows with a label have no ${input.time}, by which they are split`;
    throw new CountersignError("contract-broken", `${message}.`, { faults: [{ path: input.time, message }] });
  }
  const [found] = await db.rows(
    `SELECT strftime(quantile_disc(time, ${1 - input.holdout}), '%Y-%m-%dT%H:%M:%S.%g') AS moment FROM labelled`,
  );
  const moment = `${String(found?.["moment"])}Z`;
  return { holdout: `(time >= CAST('${moment.slice(0, -1)}' AS TIMESTAMP))`, holdoutFrom: moment };
}

async function randomCut(db: DuckDb, input: { seed: number; rows: number }): Promise<Pick<Split, "holdout" | "holdoutFrom">> {
  const draw = `md5('${input.seed}:' || row_id)`;
  const [last] = await db.rows(
    `SELECT max(draw) AS draw FROM (SELECT ${draw} AS draw FROM labelled ORDER BY draw LIMIT ${input.rows})`,
  );
  return { holdout: `(${draw} <= '${String(last?.["draw"] ?? "")}')`, holdoutFrom: null };
}

function tooFew(message: string): CountersignError {
  return new CountersignError("too-few-rows", message, { faults: [{ path: "data.sources", message }] });
}

import { join } from "node:path";
import { openDuckDb, quoteText } from "../duckdb.ts";

export interface ValidationSplit {
  /** Of the training rows, 0 to 1. */
  share: number;
  by: "random" | "order";
  seed: number;
}

/**
 * Sets part of the training rows apart, in two Parquet files in `folder`; the same rows, share and seed give
 * the same files. `order` takes the last rows by row_id. Throws a RangeError when one part would be empty.
 */
export async function splitTrainingRows(
  path: string,
  { share, by, seed }: ValidationSplit,
  folder: string,
): Promise<{ train: string; validation: string; rows: number }> {
  const table = `read_parquet(${quoteText(path)})`;
  const train = join(folder, "split-train.parquet");
  const validation = join(folder, "split-validation.parquet");
  const db = await openDuckDb();
  try {
    const [counted] = await db.rows(`SELECT count(*) AS n FROM ${table}`);
    const all = Number(counted?.["n"]);
    const held = Math.round(all * share);
    if (held < 1 || held >= all) throw new RangeError(`${all} training rows are too few to set ${share} of them apart.`);
    // md5 is the same in every version; the row itself settles a tie.
    const order = by === "order" ? "row_id DESC" : `md5(concat(row_id, ':${seed}')), row_id`;
    await db.run(`CREATE TABLE apart AS SELECT row_id FROM ${table} ORDER BY ${order} LIMIT ${held}`);
    const write = (file: string, negated: "" | "NOT ") =>
      db.run(
        `COPY (SELECT * FROM ${table} WHERE row_id ${negated}IN (SELECT row_id FROM apart) ORDER BY row_id) TO ${quoteText(file)} (FORMAT parquet)`,
      );
    await write(train, "NOT ");
    await write(validation, "");
    return { train, validation, rows: held };
  } finally {
    db.close();
  }
}

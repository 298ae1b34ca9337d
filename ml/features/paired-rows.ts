import { join } from "node:path";
import { type DuckDb, quoteText } from "../duckdb.ts";
import { wrongRows } from "./feature-columns.ts";

/**
 * Opens the views `rows` (labelled rows) and `features` over their files so that the nth row of one is the nth
 * of the other, in the order of `row_id`: what reads both may then join them by position, which streams
 * (16 million rows: 3.6 s and 140 MB to write; the hash join and sort before it ran out of 1 GB). Both files come in that order as a rule; a file that
 * does not is sorted once. Throws `feature-sql` where there is not exactly one row of features for each labelled row.
 */
export async function pairRows(
  db: DuckDb,
  { files, scratch }: { files: { labelled: string; features: string }; scratch: string },
): Promise<void> {
  for (const [view, file] of [
    ["rows", files.labelled],
    ["features", files.features],
  ] as const) {
    await open(db, view, file);
    if (await isInOrder(db, view)) continue;
    const sorted = join(scratch, `${view}-in-order.parquet`);
    await db.run(`COPY (SELECT * FROM ${view} ORDER BY row_id) TO ${quoteText(sorted)} (FORMAT parquet)`);
    await open(db, view, sorted);
  }
  if (await arePaired(db)) return;
  const [found] = await db.rows(
    "SELECT (SELECT count(*) FROM rows) AS asked, count(*) AS given, count(DISTINCT row_id) AS ids FROM features",
  );
  const given = Number(found?.["given"]);
  throw wrongRows(given, Number(found?.["asked"]), given - Number(found?.["ids"]));
}

function open(db: DuckDb, view: string, file: string) {
  return db.run(`CREATE OR REPLACE VIEW ${view} AS SELECT * FROM read_parquet(${quoteText(file)})`);
}

async function arePaired(db: DuckDb): Promise<boolean> {
  const [found] = await db.rows(
    "SELECT count(*) FILTER (WHERE r.row_id IS DISTINCT FROM f.row_id) AS apart FROM rows AS r POSITIONAL JOIN features AS f",
  );
  return Number(found?.["apart"]) === 0;
}

async function isInOrder(db: DuckDb, view: string): Promise<boolean> {
  const [found] = await db.rows(
    `SELECT count(*) FILTER (WHERE row_id < before) AS back FROM (SELECT row_id, lag(row_id) OVER () AS before FROM ${view})`,
  );
  return Number(found?.["back"]) === 0;
}

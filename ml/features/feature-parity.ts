import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { createFeatureEngine } from "./compute-features.ts";
import { readFeatureTable } from "./feature-columns.ts";

/** Enough to meet a window over all rows or a join that depends on them, in about a tenth of a second. */
const comparedRows = 24;

/**
 * Computes some holdout rows one by one, as serving does, and compares them with the table. They
 * differ when features.sql looks at other request rows (a window, an average over `request`):
 * in training these are all rows, future ones included, in serving those that happen to arrive
 * together. Throws `feature-sql` naming the feature.
 */
export async function checkBySingleRows(input: {
  store: ArtifactAccess;
  spec: FeatureSpec;
  holdout: Digest;
  requests: Digest;
}): Promise<void> {
  const { store, spec } = input;
  const db = await openDuckDb({ threads: 1 });
  const engine = await createFeatureEngine({ store, spec });
  try {
    const requests = quoteText(await verifiedPath(store, input.requests));
    const holdout = quoteText(await verifiedPath(store, input.holdout));
    const drawn = `(SELECT row_id FROM read_parquet(${requests}) ORDER BY md5(CAST(row_id AS VARCHAR)) LIMIT ${comparedRows})`;
    const columns = Object.entries(spec.request).map(([name, type]) => {
      const column = quoteName(name);
      return type === "timestamp"
        ? `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ') AS ${column}`
        : type === "integer"
          ? `CAST(${column} AS DOUBLE) AS ${column}`
          : column;
    });
    const rows = await db.rows(
      `SELECT ${columns.join(", ")} FROM read_parquet(${requests}) SEMI JOIN ${drawn} USING (row_id) ORDER BY row_id`,
    );
    const features = spec.features.map(({ name }) => quoteName(name));
    const sql = `SELECT row_id, ${features.join(", ")} FROM read_parquet(${holdout}) SEMI JOIN ${drawn} USING (row_id) ORDER BY row_id`;
    const table = await readFeatureTable(db.connection, { sql, features: spec.features, labelled: false, rows: rows.length });
    for (const [index, row] of rows.entries()) {
      const alone = await engine.compute([row]);
      for (const [at, column] of table.columns.entries()) {
        const one = alone.columns[at]?.values[0];
        // Parquet's dictionaries make one of 0 and -0, which are one number.
        if (one === column.values[index] || Object.is(one, column.values[index])) continue;
        const message = `${column.name} has one value when all rows are computed together, and another for the same row alone, as serving asks; features.sql must not look at other request rows.`;
        throw new CountersignError("feature-sql", `features.sql fails: ${message}`, {
          faults: [{ path: "features.sql", message }],
        });
      }
    }
  } finally {
    await engine.close();
    db.close();
  }
}

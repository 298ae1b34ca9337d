import { CountersignError } from "../../domain/errors.ts";
import type { LabelSpec, Task } from "../../domain/task.ts";
import type { DuckDb } from "../duckdb.ts";

/** A label is kept in a byte, and a table of probabilities a class must stay readable. */
const mostClasses = 200;
const path = "label.sql";

/** How each task's label stands in the file of labelled rows, and which types of SQL may become it. */
export const labelTypes: Record<Task, { sql: string; takes: RegExp; wanted: string }> = {
  binary: { sql: "INTEGER", takes: /^BOOLEAN$/, wanted: "true, false or null" },
  multiclass: {
    sql: "VARCHAR",
    takes: /^(VARCHAR|ENUM.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?)$/,
    wanted: "text (or whole numbers)",
  },
  regression: { sql: "DOUBLE", takes: /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/, wanted: "a number" },
};

/** The label of the rows in the view `rows` (column `label`). Throws `feature-sql`, `too-few-rows`. */
export async function labelSpec(db: DuckDb, task: Task): Promise<LabelSpec> {
  if (task === "binary") return { task };
  if (task === "regression") {
    const [odd] = await db.rows("SELECT count_if(NOT isfinite(label)) AS n, min(label) = max(label) AS one FROM rows");
    if (Number(odd?.["n"]) > 0) throw refused("feature-sql", `${String(odd?.["n"])} rows have a label that is NaN or infinite`);
    if (odd?.["one"] === true) throw refused("too-few-rows", "all rows have the same label");
    return { task };
  }
  const found = await db.rows(`SELECT DISTINCT label FROM rows ORDER BY label LIMIT ${mostClasses + 1}`);
  const classes = found.map((row) => String(row["label"]));
  if (classes.length > mostClasses)
    throw refused("feature-sql", `the label has more than ${mostClasses} classes; a number is a regression (label.task)`);
  if (classes.length === 1) throw refused("too-few-rows", "all rows are of one class");
  if (classes.includes("")) throw refused("feature-sql", "a class has an empty name");
  return { task, classes };
}

/** SQL of the label as the tables hold it, from the text or number in `column`. */
export function labelColumn(spec: LabelSpec, column: string): string {
  if (spec.task !== "multiclass") return column;
  const names = spec.classes.map((name) => `'${name.replaceAll("'", "''")}'`);
  return `CAST(list_position([${names.join(", ")}], ${column}) - 1 AS INTEGER)`;
}

function refused(code: "feature-sql" | "too-few-rows", message: string): CountersignError {
  return new CountersignError(code, `${path}: ${message}.`, { faults: [{ path, message }] });
}

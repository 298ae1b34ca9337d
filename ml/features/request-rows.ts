import type { ColumnType } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import { count } from "../count-words.ts";
import { placeOfRow } from "../datasets/row-place.ts";
import type { TypedSource } from "../datasets/typed-source.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import { requestColumn } from "./request-column.ts";

/**
 * SQL of each request column over the view of the row source, after every row with a label was found to have values that
 * a request can bring. Throws `source-schema` for a column of another type, `contract-broken` naming file, row and column.
 */
export async function requestValues(
  db: DuckDb,
  source: TypedSource,
  { request, label }: { request: Record<string, ColumnType>; label: string },
): Promise<Record<string, string>> {
  const typed = new Map(source.columns.map((column) => [column.name, column]));
  const faults: Fault[] = [];
  const columns = Object.entries(request).flatMap(([name, wanted]) => {
    const column = typed.get(name);
    if (column === undefined) return [];
    const { logicalType, resultType } = column;
    const converted = requestColumn({ name, type: resultType, logicalType }, wanted);
    // 9:30 in a file of text has become 09:30:00, which no request would bring.
    if (logicalType === "time" && source.manifest.format !== "parquet") converted.mismatch = "is time";
    if (converted.mismatch !== null)
      faults.push({
        path: `features.request.${name}`,
        message: `${name} ${converted.mismatch} in the data, and ${wanted} in the request`,
      });
    return [{ name, ...converted }];
  });
  const [first] = faults;
  if (first !== undefined) throw new CountersignError("source-schema", `${first.path}: ${first.message}.`, { faults });
  await refuseWrong(db, source, { columns, label });
  return Object.fromEntries(columns.map(({ name, value }) => [name, value]));
}

type Converted = { name: string } & ReturnType<typeof requestColumn>;

async function refuseWrong(
  db: DuckDb,
  source: TypedSource,
  { columns, label }: { columns: Converted[]; label: string },
): Promise<void> {
  const checked = columns.filter(({ wrong }) => wrong !== null);
  if (checked.length === 0) return;
  const counts = checked.flatMap(({ wrong }, at) => [
    `count_if(${wrong}) AS n${at}`,
    `min(row_id) FILTER (WHERE ${wrong}) AS r${at}`,
  ]);
  const [found = {}] = await db.rows(
    `SELECT count(*) AS n, ${counts.join(", ")} FROM ${quoteName(source.name)} WHERE ${label} IS NOT NULL`,
  );
  const faults: Fault[] = [];
  for (const [at, { name, breach }] of checked.entries()) {
    if (Number(found[`n${at}`]) === 0) continue;
    const place = placeOfRow(source.manifest, Number(found[`r${at}`]));
    const rows = `${count(Number(found[`n${at}`]))} of ${count(Number(found["n"]))} rows`;
    faults.push({
      path: `features.request.${name}`,
      message: `${rows} ${breach}; the first is row ${place.row} of ${place.file}`,
    });
  }
  const [first] = faults;
  if (first !== undefined) throw new CountersignError("contract-broken", `${first.path}: ${first.message}.`, { faults });
}

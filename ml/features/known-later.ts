import type { ContractTable } from "../../domain/contract-schema.ts";
import type { DataFinding } from "../../domain/data-finding.ts";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import { isRecord } from "../../domain/loose-value.ts";
import { count } from "../count-words.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";

/** The contract's own word for it: `customProperties: [{ property: knownAfterEvent, value: true }]`. */
const property = "knownAfterEvent";
/** So many rows without an outcome are needed to say what else is missing there. */
const fewestRows = 50;
const shareOfRows = 0.01;

/** Throws `invalid` for request columns that the contract calls known only after the event. */
export function refuseKnownLater(table: ContractTable | undefined, request: Record<string, ColumnType>): void {
  const faults = (table?.properties ?? []).flatMap((column) => {
    const name = column.physicalName ?? column.name;
    const custom: unknown[] = Array.isArray(column.customProperties) ? column.customProperties : [];
    const later = custom.some((one) => isRecord(one) && one["property"] === property && one["value"] === true);
    return later && Object.hasOwn(request, name)
      ? [{ path: `features.request.${name}`, message: `${name} is known only after the event, says the contract` }]
      : [];
  });
  const [first] = faults;
  if (first !== undefined) throw new CountersignError("invalid", `${first.path}: ${first.message}.`, { faults });
}

/**
 * Request columns that look as if they were known only after the event: times that lie behind the
 * row's own, and values that are missing where the outcome is (a flight that never left has no time
 * of arrival). `source` is the view with all rows, `label` the label's SQL over it.
 */
export async function findKnownLater(
  db: DuckDb,
  {
    source,
    label,
    request,
    values,
    time,
  }: {
    source: string;
    label: string;
    request: Record<string, ColumnType>;
    /** SQL of each request column over the source. */
    values: Record<string, string>;
    time: string | undefined;
  },
): Promise<DataFinding[]> {
  const open = `(${label}) IS NULL`;
  const parts = Object.entries(request).flatMap(([name, type], at) => {
    const column = quoteName(name);
    const timed = type === "timestamp" && time !== undefined && name !== time;
    return [
      `count(*) FILTER (WHERE ${open} AND ${column} IS NULL) AS o${at}`,
      `count(*) FILTER (WHERE NOT ${open} AND ${column} IS NULL) AS k${at}`,
      ...(timed ? [`count(*) FILTER (WHERE ${values[name] ?? column} > CAST(${quoteName(time)} AS TIMESTAMP)) AS l${at}`] : []),
    ];
  });
  const [found = {}] = await db.rows(
    `SELECT count(*) AS n, count(*) FILTER (WHERE ${open}) AS open, ${parts.join(", ")} FROM ${quoteName(source)}`,
  );
  const [rows, unknown] = [Number(found["n"]), Number(found["open"])];
  return Object.keys(request).flatMap((name, at): DataFinding[] => {
    const later = Number(found[`l${at}`] ?? 0);
    const [missingOpen, missingKnown] = [
      Number(found[`o${at}`]) / Math.max(1, unknown),
      Number(found[`k${at}`]) / Math.max(1, rows - unknown),
    ];
    const about = { kind: "known-later" as const, severity: "warning" as const, column: name };
    if (later / Math.max(1, rows) >= shareOfRows)
      return [
        {
          ...about,
          rows: later,
          share: later / rows,
          message: `${name} lies behind ${time ?? ""} in ${count(later)} of ${count(rows)} rows: it was not known yet`,
        },
      ];
    if (unknown >= fewestRows && missingOpen >= 0.9 && missingKnown <= 0.1)
      return [
        {
          ...about,
          rows: unknown,
          share: unknown / rows,
          message: `${name} is missing in ${(100 * missingOpen).toFixed(0)} % of the rows without an outcome and in ${(100 * missingKnown).toFixed(0)} % of the others: it seems to come with the outcome`,
        },
      ];
    return [];
  });
}

import { CountersignError, type Fault } from "../domain/errors.ts";
import { type RequestReading, requestColumns } from "../ml/features/request-values.ts";

/** One request row as features and the log take it: every declared column, null where it is not known. */
export type RequestRow = Record<string, string | number | boolean | null>;

export const maxInstances = 1_000;
const maxTextLength = 10_000;
const maxFaults = 20;

/**
 * Reads the instances of a request against the columns that a version declares. All columns must
 * be there (null says "not known") and no others: a misspelt column would otherwise be taken for a
 * missing value, and the prediction would be wrong in silence.
 * Throws `invalid` with a fault for each row and column, `too-large` above `maxInstances`.
 */
export function checkInstances(instances: unknown, version: RequestReading): RequestRow[] {
  const columns = version.request;
  if (!Array.isArray(instances) || instances.length === 0)
    throw invalid([{ path: "instances", message: "must be a list of at least one row" }]);
  if (instances.length > maxInstances)
    throw new CountersignError("too-large", `A request takes ${maxInstances} instances at most; these are ${instances.length}.`);
  const faults: Fault[] = [];
  const rows: RequestRow[] = [];
  for (const [index, instance] of instances.entries()) {
    if (isRow(instance)) rows.push(instance);
    else
      faults.push({ path: `instances[${index}]`, message: `must be an object of columns: ${Object.keys(columns).join(", ")}` });
  }
  if (faults.length > 0) throw invalid(faults);
  // The values are converted once more by the features' engine; here they are checked, request by
  // request, so that one caller's fault is told to that caller alone and with its own row's number.
  requestColumns(rows, version);
  const texts = Object.keys(columns).filter((name) => columns[name] === "string" || columns[name] === "timestamp");
  for (const [index, row] of rows.entries()) {
    for (const name of texts) {
      const message = textFault(row[name]);
      if (message !== null) faults.push({ path: `instances[${index}].${name}`, message });
    }
  }
  if (faults.length > 0) throw invalid(faults);
  return rows;
}

/** Values are looked at column by column; what no column allows (a list, an object) is refused there. */
function isRow(instance: unknown): instance is RequestRow {
  return typeof instance === "object" && instance !== null && !Array.isArray(instance);
}

/** PostgreSQL's jsonb, in which the row is logged, takes neither U+0000 nor half of a surrogate pair. */
function textFault(value: RequestRow[string] | undefined): string | null {
  if (typeof value !== "string") return null;
  if (value.length > maxTextLength) return `must have ${maxTextLength} characters at most, not ${value.length}`;
  return value.includes("\0") || !value.isWellFormed() ? "must be well-formed Unicode without the character U+0000" : null;
}

function invalid(faults: Fault[]): CountersignError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  return new CountersignError("invalid", `${first?.path} ${first?.message}${more}.`, { faults: faults.slice(0, maxFaults) });
}

import type { ContractColumn, ContractTable } from "./contract-schema.ts";
import { isRecord } from "./loose-value.ts";

/**
 * ODCS leaves the words of `classification` open. These are the ones in use for what must not be
 * shown; `public`, `internal` and `protected` (an attribute that fairness looks at) are shown.
 */
const sensitiveWords = /^(confidential|highly.?confidential|restricted|sensitive|secret|private|personal|pii|phi|pci)$/i;

/** Columns of a table, by their names in the files, whose values nobody shall read in a report. */
export function sensitiveColumns(table: ContractTable | undefined): Set<string> {
  return new Set((table?.properties ?? []).filter(isSensitive).map((column) => column.physicalName ?? column.name));
}

function isSensitive(column: ContractColumn): boolean {
  const { classification, tags, encryptedName, customProperties } = column;
  const words = [classification, ...listed(tags)].filter((one) => typeof one === "string");
  const custom = listed(customProperties);
  return (
    encryptedName !== undefined ||
    words.some((word) => sensitiveWords.test(word)) ||
    custom.some((one) => isRecord(one) && one["property"] === "sensitive" && one["value"] === true)
  );
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What stands where a value of a sensitive column would. */
export const maskedValue = "(masked)";

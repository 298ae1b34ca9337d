import { maskedValue, sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { parseContract } from "../contracts/parse-contract.ts";
import type { Grouping } from "./groupings.ts";

/** What the contract calls sensitive, as `source.column`. */
export function sensitiveNames({ contract }: Pick<ResolvedDefinition, "contract">): Set<string> {
  // A contract that describes no table calls nothing sensitive.
  const tables = "schema" in contract ? parseContract(contract).schema : [];
  return new Set(tables.flatMap((table) => [...sensitiveColumns(table)].map((column) => `${table.name}.${column}`)));
}

/** Features into which a sensitive column goes: their values say what that column holds. */
export function maskedFeatures(sensitive: Set<string>, lineage: Record<string, string[]>): Set<string> {
  return new Set(
    Object.entries(lineage).flatMap(([feature, columns]) => (columns.some((one) => sensitive.has(one)) ? [feature] : [])),
  );
}

/** The same groups under numbers: how each fares can be told, and whose they are cannot. */
export function withoutNames(grouping: Grouping): Grouping {
  return {
    ...grouping,
    groups: grouping.groups.map((group, index) => (group === "missing" ? group : `${maskedValue} ${index + 1}`)),
  };
}

import { maskedValue, sensitiveColumns } from "../../domain/contract-sensitivity.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { parseContract } from "../contracts/parse-contract.ts";
import type { Feature } from "../trainers/training-data.ts";
import type { Grouping } from "./groupings.ts";

/** What the contract calls sensitive, as `source.column`. */
export function sensitiveNames({ contract }: Pick<ResolvedDefinition, "contract">): Set<string> {
  // A contract that describes no table calls nothing sensitive.
  const tables = "schema" in contract ? parseContract(contract).schema : [];
  return new Set(tables.flatMap((table) => [...sensitiveColumns(table)].map((column) => `${table.name}.${column}`)));
}

/** Features into which a sensitive column goes, for their values say what it holds; and those of which no origin is known. */
export function maskedFeatures(
  features: Feature[],
  { sensitive, lineage }: { sensitive: Set<string>; lineage: Record<string, string[]> },
): Set<string> {
  const isMasked = ({ name }: Feature) => lineage[name]?.some((one) => sensitive.has(one)) ?? true;
  return new Set(features.filter(isMasked).map(({ name }) => name));
}

/** The same groups under numbers: how each fares can be told, and whose they are cannot. */
export function withoutNames(grouping: Grouping): Grouping {
  return {
    ...grouping,
    groups: grouping.groups.map((group, index) => (group === "missing" ? group : `${maskedValue} ${index + 1}`)),
  };
}

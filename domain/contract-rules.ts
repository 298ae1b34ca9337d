import { contractSchema } from "./contract-schema.ts";
import { fault, sourcesPath } from "./definition-rule.ts";
import type { Path } from "./definition-text.ts";
import { recordAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { schemaFaults } from "./schema-faults.ts";
import type { Finding } from "./schema-faults.ts";
import { didYouMean, editDistance, listed } from "./suggestion.ts";

/** Faults of a data contract; paths begin inside the contract. */
export function contractFindings(contract: unknown, definition: unknown): Finding[] {
  const { value, findings, asWritten } = schemaFaults(contractSchema, contract);
  const sources = Object.keys(recordAt(definition, sourcesPath));
  const strange = tableNames(value).flatMap((name, index) => {
    if (name === "" || sources.length === 0 || sources.includes(name)) return [];
    const message = `names \`${name}\`, which is not among the sources ${listed(sources, "and")}.${didYouMean(name, sources)}`;
    return [fault(asWritten(["schema", index, "name"]), message)];
  });
  return [...findings, ...strange];
}

/**
 * Columns of the definition that the contract spells differently. A contract need not describe
 * every column, so only what is one or two letters off is told.
 */
export function columnFindings(contract: unknown, definition: unknown): Finding[] {
  const rows = textAt(definition, ["data", "rows"]);
  const table = tableNames(contract).indexOf(rows ?? "");
  const properties = valueAt(contract, ["schema", table, "properties"]);
  if (rows === null || table < 0 || !Array.isArray(properties)) return [];
  const columns = properties.flatMap((one: unknown) => textAt(one, ["physicalName"]) ?? textAt(one, ["name"]) ?? []);
  const named: { path: Path; name: string; spot: Finding["spot"] }[] = [
    {
      path: [...sourcesPath, rows, "time"],
      name: textAt(definition, [...sourcesPath, rows, "time"]) ?? "",
      spot: "value",
    },
    ...Object.keys(recordAt(definition, ["features", "request"])).map((name) => ({
      path: ["features", "request", name],
      name,
      spot: "key" as const,
    })),
    ...textsAt(definition, ["evaluate", "protected"]).map((name, index) => ({
      path: ["evaluate", "protected", index],
      name,
      spot: "value" as const,
    })),
  ];
  return named.flatMap(({ path, name, spot }) => {
    // Short names differ by a letter rightfully: `hour` and `our` may both be columns.
    if (name.length < 5 || columns.some((column) => column.toLowerCase() === name.toLowerCase())) return [];
    const meant = columns.find((column) => editDistance(name, column) <= (name.length < 8 ? 1 : 2));
    return meant === undefined
      ? []
      : [fault(path, `names \`${name}\`, which the contract does not describe. Did you mean \`${meant}\`?`, spot)];
  });
}

function tableNames(contract: unknown): string[] {
  const tables = valueAt(contract, ["schema"]);
  return Array.isArray(tables) ? tables.map((one: unknown) => textAt(one, ["name"]) ?? "") : [];
}

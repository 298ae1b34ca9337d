import type { TableColumns } from "./rules.ts";
import { none, type Rule } from "./rule.ts";

/** References to other tables: of a column, and of the table over several columns. Rows without a value refer to nothing. */
export function referenceRules({ table, typed }: TableColumns, path: string): Rule[] {
  const ofColumns = table.properties.flatMap((property, index) =>
    property.relationships.map(({ to }, at) => ({
      path: `${path}.properties[${index}].relationships[${at}]`,
      column: property.physicalName ?? property.name,
      from: [property.name],
      to: [to],
    })),
  );
  const ofTable = table.relationships.map(({ from, to }, at) => ({
    path: `${path}.relationships[${at}]`,
    column: null,
    from: listed(from).map((one) => one.split(".")[1] ?? ""),
    to: listed(to),
  }));
  return [...ofColumns, ...ofTable].map((one): Rule => {
    const found = one.from.flatMap((name) => typed.get(name) ?? []);
    const rule = {
      path: one.path,
      column: one.column,
      rule: `relationship to ${one.to.join(", ")}`,
      severity: "error" as const,
      accepts: none,
      shows: found.map(({ file }) => file),
    };
    if (found.length < one.from.length)
      return {
        ...rule,
        measure: { kind: "known", failing: true },
        breach: `cannot be followed: not all of ${one.from.join(", ")} are described and there`,
      };
    const columns = found.map(({ value }) => value);
    return {
      ...rule,
      measure: {
        kind: "orphans",
        columns,
        table: one.to[0]?.split(".")[0] ?? "",
        targets: one.to.map((target) => target.split(".")[1] ?? ""),
        shown: columns.length === 1 ? (columns[0] ?? "") : `concat_ws(', ', ${columns.join(", ")})`,
      },
      breach: `refer to a row of ${one.to[0]?.split(".")[0] ?? ""} that is not there`,
    };
  });
}

function listed(value: string | string[]): string[] {
  return typeof value === "string" ? [value] : value;
}

import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteText } from "../duckdb.ts";

/** Which columns of which tables a feature is computed from; `table.column`. */
type Origins = Set<string>;
interface OutputColumn {
  name: string;
  origins: Origins;
}
interface Table {
  alias: string;
  columns: OutputColumn[];
}
type Node = { [key: string]: unknown };
/** Tables and named queries in reach, and the tables of the queries around. */
interface Reach {
  named: Map<string, OutputColumn[]>;
  outer: Table[];
}

/**
 * The source columns of each column that a SELECT gives, in their order, read from the syntax tree
 * that DuckDB's own parser makes: through joins, subqueries, WITH and stars. Conditions (WHERE, ON,
 * GROUP BY) choose rows and are no part of it. Where the tree holds something unknown, every column
 * within it counts: lineage may name too much, never too little.
 */
export async function columnLineage(
  connection: DuckDBConnection,
  sql: string,
  tables: Map<string, string[]>,
): Promise<OutputColumn[]> {
  const result = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`);
  const parsed: unknown = JSON.parse(String(result.getRowsJson()[0]?.[0]));
  const statement = isNode(parsed) && Array.isArray(parsed["statements"]) ? (parsed["statements"][0] as unknown) : null;
  const named = new Map(
    [...tables].map(([table, columns]) => [
      table.toLowerCase(),
      columns.map((name) => ({ name, origins: new Set([`${table}.${name}`]) })),
    ]),
  );
  return isNode(statement) && isNode(statement["node"]) ? outputs(statement["node"], { named, outer: [] }) : [];
}

function outputs(node: Node, reach: Reach): OutputColumn[] {
  const inner = withQueries(node, reach);
  if (node["type"] === "SET_OPERATION_NODE") {
    const [left = [], ...rest] = branches(node).map((branch) => outputs(branch, inner));
    return left.map((column, at) => ({
      name: column.name,
      origins: new Set([column, ...rest.flatMap((one) => one[at] ?? [])].flatMap((one) => [...one.origins])),
    }));
  }
  if (node["type"] !== "SELECT_NODE") return [];
  const tables = isNode(node["from_table"]) ? tablesOf(node["from_table"], inner) : [];
  const found: OutputColumn[] = [];
  for (const item of listOf(node["select_list"])) {
    if (item["class"] === "STAR") found.push(...starColumns(item, { reach: inner, tables, earlier: found }));
    else found.push({ name: nameOf(item), origins: originsOf(item, { reach: inner, tables, earlier: found }) });
  }
  return found;
}

function branches(node: Node): Node[] {
  const children = listOf(node["children"]);
  return children.length > 0 ? children : [node["left"], node["right"]].filter(isNode);
}

/** The queries of WITH, each seeing those before it. */
function withQueries(node: Node, reach: Reach): Reach {
  const map = isNode(node["cte_map"]) ? listOf(node["cte_map"]["map"]) : [];
  let named = reach.named;
  for (const entry of map) {
    const query = isNode(entry["value"]) && isNode(entry["value"]["query"]) ? entry["value"]["query"]["node"] : null;
    const columns = isNode(query) ? outputs(query, { ...reach, named }) : [];
    const aliases = isNode(entry["value"]) && Array.isArray(entry["value"]["aliases"]) ? entry["value"]["aliases"] : [];
    named = new Map(named).set(String(entry["key"]).toLowerCase(), renamed(columns, aliases));
  }
  return { ...reach, named };
}

function tablesOf(node: Node, reach: Reach): Table[] {
  const alias = String(node["alias"] ?? "");
  const aliases = Array.isArray(node["column_name_alias"]) ? node["column_name_alias"] : [];
  switch (node["type"]) {
    case "BASE_TABLE": {
      const name = String(node["table_name"]);
      return [{ alias: alias || name, columns: renamed(reach.named.get(name.toLowerCase()) ?? [], aliases) }];
    }
    case "SUBQUERY": {
      const query = isNode(node["subquery"]) ? node["subquery"]["node"] : null;
      return [{ alias, columns: isNode(query) ? renamed(outputs(query, reach), aliases) : [] }];
    }
    case "JOIN":
      return [node["left"], node["right"]].filter(isNode).reduce<Table[]>(
        // A lateral join may read the tables at its left.
        (tables, side) => [...tables, ...tablesOf(side, { ...reach, outer: [...reach.outer, ...tables] })],
        [],
      );
    default: {
      // A function that gives rows may pass on whatever goes into it, in each of its columns.
      const origins = everything(node, { reach, tables: [], earlier: [] });
      return [{ alias, columns: [alias, ...aliases.map(String)].map((name) => ({ name, origins })) }];
    }
  }
}

function renamed(columns: OutputColumn[], aliases: unknown[]): OutputColumn[] {
  return columns.map((column, at) => (aliases[at] === undefined ? column : { ...column, name: String(aliases[at]) }));
}

function starColumns(star: Node, scope: Scope): OutputColumn[] {
  const { tables } = scope;
  const of = String(star["relation_name"] ?? "").toLowerCase();
  const excluded = new Set(
    [star["exclude_list"], star["qualified_exclude_list"]].flatMap((list) =>
      Array.isArray(list)
        ? list.map((one: unknown) => (isNode(one) ? String(one["column"] ?? one["name"]) : String(one)).toLowerCase())
        : [],
    ),
  );
  const replaced = new Map(
    listOf(star["replace_list"]).flatMap(({ key, value }) =>
      isNode(value) ? [[String(key).toLowerCase(), originsOf(value, scope)] as const] : [],
    ),
  );
  const newNames = new Map(
    listOf(star["rename_list"]).flatMap(({ key, value }) =>
      isNode(key) ? [[String(key["column"]).toLowerCase(), String(value)] as const] : [],
    ),
  );
  const seen = new Set<string>();
  return tables
    .filter(({ alias }) => of === "" || alias.toLowerCase() === of)
    .flatMap(({ columns }) => columns)
    .filter(({ name }) => !excluded.has(name.toLowerCase()) && (of !== "" || !seen.has(name) || !seen.add(name)))
    .map(({ name, origins }) => ({
      name: newNames.get(name.toLowerCase()) ?? name,
      origins: replaced.get(name.toLowerCase()) ?? origins,
    }));
}

interface Scope {
  reach: Reach;
  tables: Table[];
  /** Columns of the same list by their aliases, which DuckDB lets later ones use. */
  earlier: OutputColumn[];
}

function originsOf(expression: Node, scope: Scope): Origins {
  if (expression["class"] === "COLUMN_REF") {
    const names = Array.isArray(expression["column_names"])
      ? expression["column_names"].map((one) => String(one).toLowerCase())
      : [];
    return columnOrigins(names, scope);
  }
  // `COLUMNS(…)` within an expression chooses columns when it runs, and `#2` counts them.
  if (expression["class"] === "STAR" || expression["class"] === "POSITIONAL_REFERENCE") return allOf(scope.tables);
  if (expression["class"] === "LAMBDA" && isNode(expression["lhs"]) && isNode(expression["expr"])) {
    const parameters = [expression["lhs"], ...listOf(expression["lhs"]["children"])].map((one) => ({
      name: nameOf(one),
      origins: new Set<string>(),
    }));
    return originsOf(expression["expr"], { ...scope, earlier: [...scope.earlier, ...parameters] });
  }
  if (expression["class"] === "SUBQUERY" && isNode(expression["subquery"]) && isNode(expression["subquery"]["node"])) {
    const inside = { ...scope.reach, outer: [...scope.tables, ...scope.reach.outer] };
    return new Set(outputs(expression["subquery"]["node"], inside).flatMap(({ origins }) => [...origins]));
  }
  return everything(expression, scope);
}

/** Origins of all expressions below a node. */
function everything(node: Node, scope: Scope): Origins {
  const found: Origins = new Set();
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value])
      if (isNode(child)) for (const origin of originsOf(child, scope)) found.add(origin);
  return found;
}

function columnOrigins(names: string[], { reach, tables, earlier }: Scope): Origins {
  const [first = "", second] = names;
  for (const around of [tables, reach.outer]) {
    const table = around.filter(({ alias }) => alias.toLowerCase() === first);
    const qualified =
      second === undefined ? [] : table.flatMap(({ columns }) => columns.filter(({ name }) => name.toLowerCase() === second));
    const plain = around.flatMap(({ columns }) => columns.filter(({ name }) => name.toLowerCase() === first));
    const matching = qualified.length > 0 ? qualified : plain;
    if (matching.length > 0) return new Set(matching.flatMap(({ origins }) => [...origins]));
    // The table's name stands for its whole row.
    if (table.length > 0) return allOf(table);
  }
  const named = earlier.filter(({ name }) => name.toLowerCase() === first);
  return named.length > 0 ? new Set(named.flatMap(({ origins }) => [...origins])) : allOf([...tables, ...reach.outer]);
}

function allOf(tables: Table[]): Origins {
  return new Set(tables.flatMap(({ columns }) => columns.flatMap(({ origins }) => [...origins])));
}

function nameOf(item: Node): string {
  const alias = String(item["alias"] ?? "");
  const names = Array.isArray(item["column_names"]) ? item["column_names"] : [];
  return alias !== "" ? alias : String(names.at(-1) ?? "");
}

function listOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

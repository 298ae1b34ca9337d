import type { DuckDBConnection } from "@duckdb/node-api";
import { CountersignError, type ErrorCode } from "../domain/errors.ts";
import { quoteText, shortMessage } from "./duckdb.ts";
import { boundlessFault } from "./sql-bounds.ts";
import { atByte, atCodePoint, isNode, placeOf, type Node } from "./sql-tree.ts";

/**
 * Reads a definition's SQL as DuckDB's own parser sees it, before any of it runs, and refuses all
 * but one SELECT over the tables named.
 *
 * The type of the statement does not suffice: measured with DuckDB 1.5.6, `SELECT * FROM
 * enable_logging()` and `PRAGMA database_list` are SELECTs to `extractStatements`, and the first
 * changes a setting although the configuration is locked. So the syntax tree is walked:
 * tables, table functions and functions must be on a list. Functions that answer differently each
 * time (now, random) are refused too: training and serving would disagree.
 */
export interface SelectRules {
  /** Where the SQL stands in the definition, for the fault: `features.sql`. */
  path: string;
  /** Tables and views it may read. */
  tables: string[];
  code?: ErrorCode;
  /** A version that serves keeps the SQL that it was approved with, whatever was found to be unbounded since. */
  approved?: boolean;
}

export interface SelectCheck {
  /** The SELECT without a semicolon at its end, fit to stand in parentheses (with a line break after it). */
  sql: string;
  /** Tables of the list that it reads. */
  reads: string[];
  /** The one statement as DuckDB's parser sees it. */
  tree: Node;
}

/** What is wrong, and where in the SQL: the character from 0, null where the parser does not say. */
export interface PlacedFault {
  message: string;
  at: number | null;
}

/** A refusal of checkSelect. */
export class SqlRefusal extends CountersignError {
  readonly places: PlacedFault[];

  /** `told` is the fault as it reads where the SQL is not at hand: with its place in words. */
  constructor({ path, code = "feature-sql" }: SelectRules, places: PlacedFault[], told = places.map(({ message }) => message)) {
    super(code, `${path} is refused: ${told.join(" ")}`, { faults: told.map((message) => ({ path, message })) });
    this.places = places;
  }
}

/** Throws `code` (`feature-sql`) with all faults. `connection` is used to parse; nothing is executed. */
export async function checkSelect(connection: DuckDBConnection, sql: string, rules: SelectRules): Promise<SelectCheck> {
  const { tree, text } = await parse(connection, sql, rules);
  const functions = await knownFunctions(connection);
  const found = { faults: new Map<string, number | null>(), reads: new Set<string>() };
  const tables = new Map(rules.tables.map((table) => [table.toLowerCase(), table]));
  const queries = queryNames(tree);
  const afterFrom = new Set<unknown>();
  walk(tree, (node) => {
    if (node["type"] === "TABLE_FUNCTION") afterFrom.add(node["function"]);
    const fault =
      tableFault(node, { tables, queries, reads: found.reads }) ??
      expressionFault(node, functions) ??
      (rules.approved === true || afterFrom.has(node) ? null : boundlessFault(node, sql)) ??
      queryFault(node);
    if (fault !== null && !found.faults.has(fault)) found.faults.set(fault, atByte(sql, Number(node["query_location"])));
    return fault === null;
  });
  if (found.faults.size > 0)
    throw new SqlRefusal(
      rules,
      [...found.faults].map(([message, at]) => ({ message, at })),
    );
  return { sql: text, reads: [...found.reads], tree };
}

async function serialise(connection: DuckDBConnection, sql: string): Promise<string> {
  const result = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`);
  return String(result.getRowsJson()[0]?.[0]);
}

async function parse(connection: DuckDBConnection, sql: string, rules: SelectRules): Promise<{ tree: Node; text: string }> {
  const serialised = await serialise(connection, sql);
  const parsed: unknown = JSON.parse(serialised);
  if (!isNode(parsed) || parsed["error"] !== false) {
    const position = isNode(parsed) && parsed["error_type"] === "parser" ? Number(parsed["position"]) : Number.NaN;
    const reason = isNode(parsed)
      ? shortMessage(new Error(String(parsed["error_message"])), { overData: false })
      : "it cannot be read";
    if (reason.startsWith("Only SELECT"))
      throw new SqlRefusal(rules, [{ message: "Only one SELECT is allowed here.", at: null }]);
    const at = atCodePoint(sql, position);
    throw new SqlRefusal(rules, [{ message: `${reason}.`, at }], [`${reason}${placeOf(sql, at)}.`]);
  }
  const statements = Array.isArray(parsed["statements"]) ? parsed["statements"] : [];
  // Both counts: what is serialised and what would be executed (a PIVOT expands to two).
  const count = statements.length === 0 ? 0 : Math.max(statements.length, (await connection.extractStatements(sql)).count);
  const statement: unknown = statements[0];
  if (count !== 1 || !isNode(statement)) {
    const message = `Only one SELECT is allowed here, and there ${count === 0 ? "is none" : `are ${count} statements`}.`;
    throw new SqlRefusal(rules, [{ message, at: null }]);
  }
  const bare = sql.replace(/;(?:\s|--[^\n]*(?:\n|$))*$/, "");
  // A semicolon may also end a string; only what leaves the tree as it was is cut off.
  return { tree: statement, text: (await serialise(connection, bare)) === serialised ? bare : sql };
}

const tableKinds = new Set(["BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"]);
const tableFunctions = new Set(["unnest", "range", "generate_series", "json_each"]);

function tableFault(node: Node, known: { tables: Map<string, string>; queries: Set<string>; reads: Set<string> }): string | null {
  // A table reference is told from an expression by `sample`, which only tables and SELECT nodes have.
  if (!("sample" in node) || "class" in node || "select_list" in node) return null;
  if (node["sample"] !== null) return "A sample gives other rows each time; it is not allowed.";
  const kind = String(node["type"]);
  if (!tableKinds.has(kind)) return `${kind.toLowerCase().replaceAll("_", " ")} is not allowed after FROM.`;
  if (kind === "TABLE_FUNCTION") {
    const call = node["function"];
    const name = isNode(call) ? String(call["function_name"]) : "?";
    return tableFunctions.has(name.toLowerCase())
      ? null
      : `The table function ${name}() is not allowed: only declared sources can be read.`;
  }
  if (kind !== "BASE_TABLE") return null;
  const name = String(node["table_name"]);
  if (node["schema_name"] !== "" || node["catalog_name"] !== "")
    return `The table ${name} must be named without schema or catalog.`;
  if (known.queries.has(name.toLowerCase())) return null;
  const table = known.tables.get(name.toLowerCase());
  if (table === undefined) return `There is no table ${name} here; ${[...known.tables.values()].join(", ")} can be read.`;
  known.reads.add(table);
  return null;
}

const queryKinds = new Set(["SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE"]);

function queryFault(node: Node): string | null {
  const kind = node["type"];
  if (typeof kind === "string" && kind.endsWith("_NODE") && !queryKinds.has(kind)) return "A recursive query is not allowed.";
  if ("select_list" in node && node["sample"] !== null && node["sample"] !== undefined)
    return "A sample gives other rows each time; it is not allowed.";
  return null;
}

const clockWords = new Set(["current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"]);

function expressionFault(node: Node, functions: Set<string>): string | null {
  if (node["class"] === "PARAMETER") return "Parameters (?, $1) have no value here.";
  if (node["class"] === "COLUMN_REF") {
    const names = node["column_names"];
    const name = Array.isArray(names) && names.length === 1 ? String(names[0]).toLowerCase() : "";
    return clockWords.has(name) ? `${name} answers differently each time; it is not allowed.` : null;
  }
  if (node["class"] !== "FUNCTION" && node["class"] !== "WINDOW") return null;
  const name = String(node["function_name"]).toLowerCase();
  const children = node["children"];
  if (name === "age" && Array.isArray(children) && children.length === 1)
    return "age() of one argument counts from now; give it two.";
  if (functions.has(name) || tableFunctions.has(name)) return null;
  return `The function ${name}() is not allowed: it is unknown, or its answer depends on more than its arguments.`;
}

/** Macros that only compute; the others look into the catalogue or at the session. */
const macros =
  /^(list_|array_|md5_number|json_group|round)|^(nullif|split_part|fdiv|fmod|date_add|days_in_month|geomean|geometric_mean|wavg|weighted_avg|json)$/;
/** CONSISTENT to DuckDB, but they tell of the session or the process. */
const sessionFunctions = new Set([
  "current_setting",
  "getvariable",
  "getenv",
  "current_user",
  "version",
  "pg_typeof",
  "write_log",
  "query",
]);
const windowFunctions = [
  "row_number",
  "rank",
  "dense_rank",
  "percent_rank",
  "cume_dist",
  "ntile",
  "lead",
  "lag",
  "first_value",
  "last_value",
  "nth_value",
];

async function knownFunctions(connection: DuckDBConnection): Promise<Set<string>> {
  const result = await connection.runAndReadAll(
    "SELECT DISTINCT lower(function_name), function_type, stability FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')",
  );
  const safe = new Set(windowFunctions);
  const refused = new Set(sessionFunctions);
  for (const [name, type, stability] of result.getRowsJson()) {
    const text = String(name);
    const fine = type === "macro" ? macros.test(text) : stability === "CONSISTENT";
    (fine ? safe : refused).add(text);
  }
  for (const name of refused) safe.delete(name);
  return safe;
}

function queryNames(tree: Node): Set<string> {
  const names = new Set<string>();
  walk(tree, (node) => {
    const map = isNode(node["cte_map"]) ? node["cte_map"]["map"] : null;
    for (const entry of Array.isArray(map) ? map : []) if (isNode(entry)) names.add(String(entry["key"]).toLowerCase());
    return true;
  });
  return names;
}

/** Visits a node before its children, and these only if the visitor says so. */
function walk(value: unknown, visit: (node: Node) => boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (isNode(value) && visit(value)) {
    for (const item of Object.values(value)) walk(item, visit);
  }
}

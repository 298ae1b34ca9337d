import type { Json } from "@duckdb/node-api";
import type { DataFinding } from "../../domain/data-finding.ts";
import { count } from "../count-words.ts";
import { type DuckDb, quoteName } from "../duckdb.ts";
import type { CheckedSource } from "./checked-source.ts";

/** So many hashes of rows fit into memory beside the rest; of larger sources a part is looked at, equal rows together. */
const hashedRows = 5_000_000;
/** In a column of text of which more than this looks like numbers, the rest is odd. */
const mostlyNumbers = 0.5;
/** As many columns as the profile describes: planning a query over ten thousand takes a second each time. */
const mostColumns = 300;
/** Texts are searched for torn letters in so many rows: a wrong encoding is wrong all over. */
const lookedTexts = 200_000;
/** Hashing a row holds a batch of all its columns: 2,048 rows of 10,000 texts did not fit into 700 MB. */
const mostHashedColumns = 1_000;

/** What a person would want to know of the data although no contract asks for it. With `keyed` no two rows are equal: a key has been counted already. */
export async function dataFindings(db: DuckDb, checked: CheckedSource, { keyed }: { keyed: boolean }): Promise<DataFinding[]> {
  const findings = keyed ? [] : await duplicateRows(db, checked);
  return [...findings, ...(await columnFindings(db, checked, checked.source.columns.slice(0, mostColumns)))];
}

async function duplicateRows(db: DuckDb, { source, view }: CheckedSource): Promise<DataFinding[]> {
  const { rows } = source.manifest;
  if (source.columns.length > mostHashedColumns) return [];
  const every = Math.ceil(rows / hashedRows);
  const hash = `hash(${source.columns.map(({ name }) => quoteName(name)).join(", ")})`;
  const [found] = await db.rows(
    `SELECT count(*) AS n, count(DISTINCT h) AS d FROM (SELECT ${hash} AS h FROM ${view}) ${every === 1 ? "" : `WHERE h % ${every} = 0`}`,
  );
  const [looked, distinct] = [Number(found?.["n"]), Number(found?.["d"])];
  const share = looked === 0 ? 0 : (looked - distinct) / looked;
  if (share === 0) return [];
  const duplicates = every === 1 ? looked - distinct : Math.round(share * rows);
  const words = every === 1 ? count(duplicates) : `about ${count(duplicates)}`;
  return [
    {
      kind: "duplicate-rows",
      severity: share >= 0.01 ? "warning" : "info",
      column: null,
      rows: duplicates,
      share,
      message: `${words} of ${count(rows)} rows of ${source.name} repeat another row in every column`,
    },
  ];
}

type Column = CheckedSource["source"]["columns"][number];

async function columnFindings(db: DuckDb, { source, view }: CheckedSource, columns: Column[]): Promise<DataFinding[]> {
  const textFile = source.manifest.format !== "parquet";
  const typed = new Set(
    source.table?.properties.flatMap((one) => (one.logicalType === undefined ? [] : [one.physicalName ?? one.name])),
  );
  const parts = columns.flatMap((column, at) => {
    const cell = quoteName(column.name);
    const isText = column.type === "VARCHAR";
    return [
      // With a type in the contract these are told by its own rule.
      ...(/^(FLOAT|DOUBLE)$/.test(column.type) && !typed.has(column.name) ? [`count_if(NOT isfinite(${cell})) AS odd${at}`] : []),
      ...(isText && textFile && !typed.has(column.name)
        ? [`count(${cell}) AS there${at}`, `count_if(${cell} IS NOT NULL AND TRY_CAST(${cell} AS DOUBLE) IS NULL) AS words${at}`]
        : []),
    ];
  });
  const texts = columns.flatMap((column, at) =>
    column.type === "VARCHAR" ? [`count_if(${torn(column.name)}) AS torn${at}`] : [],
  );
  const { rows } = source.manifest;
  const every = Math.max(1, Math.ceil(rows / lookedTexts));
  const one = async (selected: string[], where: string) =>
    selected.length === 0 ? {} : ((await db.rows(`SELECT ${selected.join(", ")} FROM ${view} ${where}`))[0] ?? {});
  // All in one where all rows are searched: of ten thousand columns each query takes a second to be planned.
  const found = await one(every === 1 ? [...parts, ...texts] : parts, "");
  const read = every === 1 ? found : await one(texts, `WHERE row_id % ${every} = 0`);
  return columns.flatMap((column, at) =>
    told(rows, column.name, (name) =>
      name === "torn" ? Number(read[`torn${at}`] ?? 0) * every : (found[`${name}${at}`] ?? null),
    ),
  );
}

/** The sign that stands for what could not be decoded, and UTF-8 read as Latin-1. */
function torn(name: string): string {
  return `contains(${quoteName(name)}, '\uFFFD') OR regexp_matches(${quoteName(name)}, '[ÃÂ][\u0080-\u00BF]')`;
}

function told(rows: number, column: string, found: (name: string) => Json): DataFinding[] {
  const [odd, torn, there, words] = ["odd", "torn", "there", "words"].map((name) => Number(found(name) ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const finding = (kind: DataFinding["kind"], number: number, message: string): DataFinding => ({
    kind,
    severity: "warning",
    column,
    rows: number,
    share: number / Math.max(1, rows),
    message: `${count(number)} of ${count(rows)} rows ${message}`,
  });
  return [
    ...(odd > 0 ? [finding("not-finite", odd, "are NaN or infinite; as a feature they count as missing")] : []),
    ...(torn > 0 ? [finding("broken-text", torn, "hold letters that were read in the wrong encoding")] : []),
    ...(words > 0 && there - words > mostlyNumbers * there
      ? [finding("mixed-types", words, "are text in a column of numbers that the contract does not type")]
      : []),
  ];
}

import { fault, sourcesPath } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { recordAt, textAt, valueAt } from "./loose-value.ts";
import { didYouMean } from "./suggestion.ts";

/** Each source names files or a query, and its window has something to choose by. */
const filesOrQuery: Rule = (definition) =>
  Object.entries(recordAt(definition, sourcesPath)).flatMap(([name, source]) => {
    const given = ["files", "query"].filter((key) => valueAt(source, [key]) !== undefined);
    const path = [...sourcesPath, name];
    if (given.length === 2) return [fault([...path, "query"], "stands beside `files`; a source has one of them", "key")];
    if (given.length === 1 || typeof source !== "object") return [];
    return [fault(path, "names no data: it needs `files`, or `query` for rows of a database", "key")];
  });

const windowsAndMonths: Rule = (definition) =>
  Object.entries(recordAt(definition, sourcesPath)).flatMap(([name, source]) => {
    const windowed = valueAt(source, ["window"]) !== undefined;
    const timed = valueAt(source, ["time"]) !== undefined;
    const blind = windowed && !timed;
    const windowPath = [...sourcesPath, name, "window"];
    const files = textAt(source, ["files"]);
    if (files === null)
      return blind ? [fault(windowPath, "has no effect: the source has no `time` to choose rows by", "key")] : [];
    const path = [...sourcesPath, name, "files"];
    const holds = [...files.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? "");
    const unknown = holds.filter((one) => one !== "month");
    const monthly = holds.includes("month") || unknown.some((one) => didYouMean(one, ["month"]) !== "");
    return [
      ...unknown.map((one) => fault(path, `holds \`{${one}}\`; only \`{month}\` has a meaning.${didYouMean(one, ["month"])}`)),
      ...(monthly && !windowed ? [fault(path, "holds `{month}` but the source has no `window` that says which months")] : []),
      ...(blind && !monthly
        ? [fault(windowPath, "has no effect: `files` holds no `{month}` and the source no `time` to choose rows by", "key")]
        : []),
      ...(/^https?:/i.test(files) && files.includes("*")
        ? [fault(path, "holds `*`, and a web server cannot be asked which files it has; use `{month}`, or S3")]
        : []),
    ];
  });

const knownFormat: Rule = (definition) =>
  Object.entries(recordAt(definition, sourcesPath)).flatMap(([name, source]) => {
    const files = textAt(source, ["files"]);
    const format = textAt(source, ["format"]);
    const path = [...sourcesPath, name];
    const strange = textAt(source, ["encoding"]) !== null && (format ?? formatOfName(files ?? "")) !== "csv";
    return [
      ...(files !== null && format === null && formatOfName(files) === null
        ? [fault([...path, "files"], "must end in .parquet, .csv or .jsonl, or the source must say its `format`")]
        : []),
      ...(strange ? [fault([...path, "encoding"], "is for CSV; Parquet and JSON Lines are UTF-8", "key")] : []),
    ];
  });

/** The format that a name's ending stands for; what follows `?` in an address does not count. */
export function formatOfName(name: string): "parquet" | "csv" | "jsonl" | null {
  const bare = /^https?:/i.test(name) ? name.replace(/[?#].*$/, "") : name;
  if (/\.(parquet|pq)$/i.test(bare)) return "parquet";
  if (/\.(jsonl|ndjson)$/i.test(bare)) return "jsonl";
  return /\.(csv|tsv|txt)$/i.test(bare) ? "csv" : null;
}

export const sourceRules: Rule[] = [filesOrQuery, windowsAndMonths, knownFormat];

import { fault, sourcesPath } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { isRecord, recordAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { didYouMean, suggest } from "./suggestion.ts";

/** How features, lookups and label fit to the sources. */
const lookupsAreSources: Rule = (definition) => {
  const sources = Object.keys(recordAt(definition, sourcesPath));
  const rows = textAt(definition, ["data", "rows"]);
  const lookups = textsAt(definition, ["features", "lookups"]);
  return lookups.flatMap((lookup, index) => {
    const path = ["features", "lookups", index];
    const others = sources.filter((source) => source !== rows);
    if (lookup === "") return [];
    if (lookups.indexOf(lookup) !== index) return [fault(path, `names \`${lookup}\` a second time`)];
    if (lookup === rows)
      return [
        fault(path, `names \`${lookup}\`, the source of the examples themselves: a feature that joins it would know the answer`),
      ];
    if (sources.length > 0 && !sources.includes(lookup))
      return [fault(path, `names \`${lookup}\`, which is not among the sources.${didYouMean(lookup, others)}`)];
    return [];
  });
};

const requestColumns: Rule = (definition) => {
  const path = ["features", "request"];
  const request = valueAt(definition, path);
  if (!isRecord(request)) return [];
  const names = Object.keys(request);
  if (names.length === 0)
    return [fault(path, "must name at least one column: with none there is nothing to predict from", "key")];
  return names.flatMap((name, index) => {
    const lower = name.toLowerCase();
    if (lower === "row_id")
      return [fault([...path, name], "is a name that Countersign gives itself, to tell the rows apart", "key")];
    const twin = names.slice(0, index).find((other) => other.toLowerCase() === lower);
    return twin === undefined
      ? []
      : [fault([...path, name], `differs from \`${twin}\` in case alone, which SQL does not tell apart`, "key")];
  });
};

/** A first look at the SQL without running it; the featurize stage lets DuckDB parse it. */
const featureSql: Rule = (definition) => {
  const path = ["features", "sql"];
  const sql = textAt(definition, path);
  if (sql === null || sql.trim() === "") return [];
  const bare = sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, " ").replaceAll(/'(?:[^']|'')*'/g, "''");
  const rows = textAt(definition, ["data", "rows"]);
  const lookups = textsAt(definition, ["features", "lookups"]);
  const sources = Object.keys(recordAt(definition, sourcesPath));
  // A misspelt lookup is told as such; the SQL that spells it right is not at fault.
  const meant = lookups.map((lookup) => (sources.includes(lookup) ? lookup : suggest(lookup, sources)));
  const joined = new Set([...bare.matchAll(/\b(?:from|join)\s+"?([A-Za-z_]\w*)"?/gi)].map((match) => match[1] ?? ""));
  const undeclared = sources.filter((source) => joined.has(source) && !meant.includes(source));
  return [
    ...(/^\s*(?:select|with)\b/i.test(bare) ? [] : [fault(path, "must be one SELECT (or WITH … SELECT)")]),
    ...(/;\s*\S/.test(bare) ? [fault(path, "must be one statement; there is more behind a semicolon")] : []),
    ...(/\brow_id\b|\*/.test(bare) ? [] : [fault(path, "must give `row_id`, by which features find their rows")]),
    ...(/\brequest\b/i.test(bare)
      ? []
      : [fault(path, "must read `request`, the table of the columns known when a prediction is asked for")]),
    ...undeclared.map((source) =>
      source === rows
        ? fault(
            path,
            `reads \`${source}\`; features read \`request\`, which holds the columns declared in features.request, in training as in serving`,
          )
        : fault(path, `reads \`${source}\`, which features.lookups does not name`),
    ),
  ];
};

const labelSql: Rule = (definition) => {
  const sql = textAt(definition, ["label", "sql"]);
  return sql !== null && /;|^\s*select\b/i.test(sql)
    ? [fault(["label", "sql"], "must be one expression over the row source, such as `arr_delay > 15`")]
    : [];
};

/** What a lookup that changes with time says of itself fits to the request and to the lookups. */
const asOfFits: Rule = (definition) => {
  const path = ["features", "asOf"];
  const request = recordAt(definition, ["features", "request"]);
  const lookups = textsAt(definition, ["features", "lookups"]);
  return Object.entries(recordAt(definition, path)).flatMap(([name, join]) => {
    const asked = [
      ...Object.entries(recordAt(join, ["key"])).map(([column, value]) => ({ at: ["key", column], value })),
      { at: ["at"], value: textAt(join, ["at"]) },
    ];
    const at = textAt(join, ["at"]);
    return [
      ...(lookups.includes(name)
        ? []
        : [fault([...path, name], `is not among features.lookups.${didYouMean(name, lookups)}`, "key")]),
      ...(isRecord(valueAt(join, ["key"])) && Object.keys(recordAt(join, ["key"])).length === 0
        ? [fault([...path, name, "key"], "must name at least one column", "key")]
        : []),
      ...asked.flatMap(({ at: step, value }) =>
        typeof value !== "string" || Object.hasOwn(request, value)
          ? []
          : [
              fault(
                [...path, name, ...step],
                `names \`${value}\`, which features.request does not declare.${didYouMean(value, Object.keys(request))}`,
              ),
            ],
      ),
      ...(at !== null && Object.hasOwn(request, at) && request[at] !== "timestamp"
        ? [fault([...path, name, "at"], `names \`${at}\`, which is no timestamp`)]
        : []),
    ];
  });
};

const groupOfSplit: Rule = (definition) => {
  const by = valueAt(definition, ["split", "by"]) ?? "time";
  const group = valueAt(definition, ["split", "group"]);
  if (by === "group" && group === undefined)
    return [fault(["split"], "needs `group`, the column whose equal values stay together", "key")];
  return by !== "group" && group !== undefined ? [fault(["split", "group"], "has no effect: `by` is not `group`", "key")] : [];
};

export const featureRules: Rule[] = [lookupsAreSources, requestColumns, featureSql, labelSql, asOfFits, groupOfSplit];

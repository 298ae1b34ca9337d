import type { FeatureChecks } from "./data-finding.ts";
import type { DataDifference, SourceDifference } from "./data-profile.ts";

/** So many columns of a source are named; the rest is counted. */
const mostNamed = 8;

/** What an approver should know of how the data moved since the champion's, a line each; the loudest first. */
export function dataDifferenceInWords(difference: DataDifference): string[] {
  return [
    ...difference.sourcesAdded.map((name) => `The source ${name} is new.`),
    ...difference.sourcesRemoved.map((name) => `The source ${name} is gone.`),
    ...Object.entries(difference.sources).flatMap(([name, source]) => sourceInWords(name, source)),
  ];
}

function sourceInWords(name: string, { rows, added, removed, retyped, columns }: SourceDifference): string[] {
  const moved = columns
    .filter((column) => column.verdict !== "steady")
    .toSorted((one, other) => (other.effect ?? 0) - (one.effect ?? 0));
  const words = [
    ...(rows.before === rows.now ? [] : [`${count(rows.before)} rows are now ${count(rows.now)}`]),
    ...(added.length > 0 ? [`new columns: ${added.join(", ")}`] : []),
    ...(removed.length > 0 ? [`columns that are gone: ${removed.join(", ")}`] : []),
    ...retyped.map((one) => `${one.name} was ${one.before} and is ${one.now}`),
    ...moved.slice(0, mostNamed).map(({ name: column, effect, verdict, missing }) => {
      const holes = missing.before === missing.now ? "" : `, missing ${percent(missing.before)} → ${percent(missing.now)}`;
      return `${column} moved${effect === null ? "" : ` by ${effect.toFixed(2)}`}${verdict === "alert" ? " (alert)" : ""}${holes}`;
    }),
    ...(moved.length > mostNamed ? [`${moved.length - mostNamed} more columns moved`] : []),
  ];
  return words.length === 0 ? [`${name}: as the champion's.`] : words.map((one) => `${name}: ${one}.`);
}

/** What was noticed beside the contract: leaks, overlaps, constant features. */
export function checksInWords({ findings }: FeatureChecks): string[] {
  return findings.map((finding) => finding.message);
}

/** Long, and asked for by few: pages show it on demand. */
export const featureOriginsTitle = "What each feature is made of";
/** So many features are told one by one; the rest is counted. */
const mostOrigins = 50;

/**
 * Of each feature what it tells of the label by itself, and the columns of the sources from which it is computed: what
 * gives a leak away to somebody who knows the data. The most telling first.
 */
export function featureOriginsInWords({ telling, lineage }: FeatureChecks): string[] {
  const lines = telling.slice(0, mostOrigins).map(({ feature, value, method }) => {
    const alone = method === "auc" ? `AUC ${value.toFixed(3)} alone` : `${percent(value)} of the variance alone`;
    const columns = lineage[feature] ?? [];
    return `${feature}: ${alone}; ${columns.length === 0 ? "from no column of a source" : `from ${columns.join(", ")}`}.`;
  });
  const rest = telling.length - lines.length;
  return rest > 0 ? [...lines, `${count(rest)} more features tell less.`] : lines;
}

function count(rows: number): string {
  return rows.toLocaleString("en-US");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

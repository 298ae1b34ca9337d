import { canonicalJson } from "./canonical-json.ts";
import { featureOriginsTitle } from "./data-words.ts";
import type { GateEvidence } from "./gate.ts";

/**
 * What differs between the evidence of two requests, a sentence each, so that whoever read the first
 * need not read all of the second. Empty when nothing that is shown differs.
 */
export function requestChanges(before: GateEvidence, now: GateEvidence): string[] {
  return [
    ...(before.champion === now.champion
      ? []
      : [`The champion was ${before.champion ?? "none"}; it is ${now.champion ?? "none"}.`]),
    ...moved("The recommendation", before.recommendation.sentence, now.recommendation.sentence),
    ...now.stages.flatMap(({ stage, summary }) =>
      moved(`The stage ${stage}`, before.stages.find((one) => one.stage === stage)?.summary ?? "not run.", summary),
    ),
    ...now.lineage.flatMap(({ name, digest }) => {
      const was = before.lineage.find((one) => one.name === name)?.digest;
      return was === undefined || was === digest ? [] : [`The ${name} is another one: ${short(was)} is now ${short(digest)}.`];
    }),
    ...parametersMoved(before.parameters, now.parameters),
    ...(now.details ?? []).flatMap(({ title, text }) => {
      const was = before.details?.find((one) => one.title === title)?.text;
      if (was === undefined || was === text) return [];
      // Of fresh data every number of this long section is another one; what matters in it, other sections say.
      return [
        title === featureOriginsTitle ? `"${title}" holds other numbers or columns.` : `${title}, now: ${newIn(was, text)}`,
      ];
    }),
    ...(now.findings ?? [])
      .filter(({ id }) => !(before.findings ?? []).some((one) => one.id === id))
      .map(({ id, title }) => `A finding was opened: ${title} (${id}).`),
    ...(before.findings ?? [])
      .filter(({ id }) => !(now.findings ?? []).some((one) => one.id === id))
      .map(({ id, title }) => `A finding was closed: ${title} (${id}).`),
  ];
}

/** How long a machine took is no change of what was examined. */
const took = / in \d+(?:\.\d+)? m?s\b/g;

function moved(what: string, before: string, now: string): string[] {
  const [was, is] = [before.replace(took, ""), now.replace(took, "")];
  return was === is ? [] : [`${what} was: ${newIn(is, was)} It is: ${newIn(was, is)}`];
}

/** The lines and sentences of `text` that are not in `other`; all of it where it is only shorter. */
function newIn(other: string, text: string): string {
  const known = new Set(sentencesOf(other));
  return (
    sentencesOf(text)
      .filter((sentence) => !known.has(sentence))
      .join(" ") || text
  );
}

/** A full stop ends a sentence where a space and no small letter follow: not in 0.69, nor after "flights.". */
function sentencesOf(text: string): string[] {
  return text.split(/\n+|(?<=[.!?]) +(?=[^a-z])/);
}

/** One sentence for each parameter that was set, changed or left out. */
function parametersMoved(before: GateEvidence["parameters"], now: GateEvidence["parameters"]): string[] {
  const [was, is] = [leavesOf(before), leavesOf(now)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((path) => was.get(path) !== is.get(path))
    .map((path) => `The parameter ${path} was ${was.get(path) ?? "not set"}; it is ${is.get(path) ?? "not set"}.`);
}

/** What each path holds, as JSON. */
function leavesOf(value: unknown, path: string[] = []): Map<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return new Map([[path.join("."), canonicalJson(value)]]);
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...leavesOf(inner, [...path, name])]));
}

function short(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 12);
}

import { canonicalJson } from "./canonical-json.ts";
import { featureOriginsTitle } from "./data-words.ts";
import type { GateEvidence } from "./gate.ts";

/**
 * What differs between the evidence of two requests, a sentence each, so that whoever read the first
 * need not read all of the second. Empty when nothing that is shown differs.
 */
export function requestChanges(before: GateEvidence, now: GateEvidence): string[] {
  return [
    ...moved("The champion", before.champion ?? "none", now.champion ?? "none"),
    ...moved("The recommendation", before.recommendation.sentence, now.recommendation.sentence),
    ...now.stages.flatMap(({ stage, summary }) =>
      moved(`The stage ${stage}`, before.stages.find((one) => one.stage === stage)?.summary ?? "not run", summary),
    ),
    ...now.lineage.flatMap(({ name, digest }) => {
      const was = before.lineage.find((one) => one.name === name)?.digest;
      return was === undefined || was === digest ? [] : [`The ${name} is another one: ${short(was)} is now ${short(digest)}.`];
    }),
    ...(canonicalJson(before.parameters) === canonicalJson(now.parameters)
      ? []
      : [`The parameters of the release were ${canonicalJson(before.parameters)} and are ${canonicalJson(now.parameters)}.`]),
    ...(now.details ?? []).flatMap(({ title, text }) => {
      const was = before.details?.find((one) => one.title === title)?.text;
      if (was === undefined || was === text) return [];
      // Of fresh data every number of this long section is another one; what matters in it, other sections say.
      return [title === featureOriginsTitle ? `"${title}" holds other numbers or columns.` : `${title}, now: ${text}`];
    }),
    ...(now.findings ?? [])
      .filter(({ id }) => !(before.findings ?? []).some((one) => one.id === id))
      .map(({ id, title }) => `A finding was opened: ${title} (${id}).`),
    ...(before.findings ?? [])
      .filter(({ id }) => !(now.findings ?? []).some((one) => one.id === id))
      .map(({ id, title }) => `A finding was closed: ${title} (${id}).`),
  ];
}

function moved(what: string, before: string, now: string): string[] {
  return before === now ? [] : [`${what} was: ${before} It is: ${now}`];
}

function short(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 12);
}

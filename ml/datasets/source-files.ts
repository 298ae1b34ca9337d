import type { ResolvedDefinition, SourceDefinition } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import { formatOfName } from "../../domain/source-rules.ts";
import type { LocalRoot } from "../../files/local-root.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import { bringLocal } from "./local-files.ts";
import type { Months, Offer, RemoteOffers } from "./offers.ts";
import { windowMonths } from "./window-months.ts";

export interface SourceFiles {
  source: string;
  definition: SourceDefinition;
  offers: Offer[];
  months: Months | null;
}

interface Search {
  dataRoot: LocalRoot;
  data: ResolvedDefinition["data"];
  parameters: ReleaseParameters;
  /** Absent: only files below the data root can be read. */
  remote?: RemoteOffers | undefined;
  signal: AbortSignal;
}

/**
 * The files of every source, in reading order. Throws `source-missing` that names each file that
 * is not there, and `source-unreadable` for one that must not be read (files/local-root.ts).
 */
export async function findSourceFiles(search: Search): Promise<SourceFiles[]> {
  const problems: Problems = { missing: [], unreadable: [] };
  const found: SourceFiles[] = [];
  for (const [source, definition] of Object.entries(search.data.sources)) {
    const months = windowMonths(definition, search.parameters);
    refuseBlindMonths(source, definition);
    const offers: Offer[] = [];
    for (const location of locationsOf(definition, months))
      offers.push(...(await offersOf(search, { source, definition, location, months, problems })));
    found.push({ source, definition, offers, months });
  }
  const { missing, unreadable } = problems;
  if (unreadable.length > 0) throw new CountersignError("source-unreadable", tell(unreadable), { faults: unreadable });
  if (missing.length > 0) throw new CountersignError("source-missing", tell(missing), { faults: missing });
  return found;
}

interface Problems {
  missing: Fault[];
  unreadable: Fault[];
}

function refuseBlindMonths(source: string, { files, window, time }: SourceDefinition): void {
  const placeholder = files?.includes("{month}") === true;
  const message =
    placeholder && window === undefined
      ? "is missing, and files has {month}"
      : window !== undefined && !placeholder && time === undefined
        ? "needs {month} in files, or the column `time`, to choose by"
        : null;
  if (message === null) return;
  const path = `data.sources.${source}.window`;
  throw new CountersignError("invalid", `${path} ${message}.`, { faults: [{ path, message }] });
}

function locationsOf({ files }: SourceDefinition, months: Months | null): (string | null)[] {
  if (files === undefined) return [null];
  return months !== null && files.includes("{month}")
    ? months.months.map((month) => files.replaceAll("{month}", month))
    : [files];
}

interface Place {
  source: string;
  definition: SourceDefinition;
  location: string | null;
  months: Months | null;
  problems: Problems;
}

async function offersOf(search: Search, { problems, ...place }: Place): Promise<Offer[]> {
  const { source, definition, location, months } = place;
  const path = `data.sources.${source}.files`;
  if (location === null || /^[a-z][a-z0-9+.-]*:\/\//i.test(location)) {
    if (search.remote === undefined)
      throw new CountersignError("source-unreadable", `${location ?? "A database"} cannot be read here.`, {
        faults: [{ path, message: "only files below the data root are read here" }],
      });
    const offers = await search.remote({ source, definition, location, months, signal: search.signal });
    if (offers.length === 0) problems.missing.push({ path, message: `No file matches ${location ?? "the query"}.` });
    return offers;
  }
  const names = location.includes("*") ? await search.dataRoot.expand(location) : [location];
  if (names.length === 0) problems.missing.push({ path, message: `No file matches ${location}.` });
  const offers: Offer[] = [];
  for (const name of names) {
    const located = await search.dataRoot.locate(name);
    if ("path" in located) offers.push(localOffer(search.dataRoot, { name, path: located.path, source, definition }));
    else problems[located.missing ? "missing" : "unreadable"].push({ path, message: `${name} ${located.refusal}.` });
  }
  return offers;
}

function localOffer(root: LocalRoot, file: { name: string; path: string; source: string; definition: SourceDefinition }): Offer {
  return {
    name: file.name,
    place: `file:${file.path}`,
    format: formatFor(file.source, file.definition, file.name),
    encoding: file.definition.encoding ?? "utf-8",
    bring: (known) => bringLocal(root, file, known),
  };
}

/** The format of a file: what the definition says, or what its name ends in. Throws `source-unreadable`. */
export function formatFor(source: string, definition: SourceDefinition, name: string): Offer["format"] {
  const format = definition.format ?? formatOfName(name);
  if (format !== null) return format;
  const message = `${name} is neither Parquet nor CSV nor JSON Lines by its ending; the source can say its format.`;
  throw new CountersignError("source-unreadable", message, { faults: [{ path: `data.sources.${source}.files`, message }] });
}

function tell(faults: Fault[]): string {
  const shown = faults.slice(0, 5).map((fault) => fault.message);
  return faults.length > shown.length ? `${shown.join(" ")} And ${faults.length - shown.length} more.` : shown.join(" ");
}

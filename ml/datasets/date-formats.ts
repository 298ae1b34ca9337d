/** Letters of a JDK DateTimeFormatter, as ODCS has them: what DuckDB's strptime calls them, and what may stand there. */
const letters: Record<string, [code: string, pattern: string]> = {
  yyyy: ["%Y", "[0-9]{4}"],
  uuuu: ["%Y", "[0-9]{4}"],
  yy: ["%y", "[0-9]{2}"],
  MM: ["%m", "[0-9]{2}"],
  M: ["%-m", "[0-9]{1,2}"],
  MMM: ["%b", "[A-Za-z]{3}"],
  MMMM: ["%B", "[A-Za-z]+"],
  dd: ["%d", "[0-9]{2}"],
  d: ["%-d", "[0-9]{1,2}"],
  EEE: ["%a", "[A-Za-z]{3}"],
  EEEE: ["%A", "[A-Za-z]+"],
  HH: ["%H", "[0-9]{2}"],
  H: ["%-H", "[0-9]{1,2}"],
  hh: ["%I", "[0-9]{2}"],
  h: ["%-I", "[0-9]{1,2}"],
  mm: ["%M", "[0-9]{2}"],
  m: ["%-M", "[0-9]{1,2}"],
  ss: ["%S", "[0-9]{2}"],
  s: ["%-S", "[0-9]{1,2}"],
  SSS: ["%g", "[0-9]{3}"],
  SSSSSS: ["%f", "[0-9]{6}"],
  SSSSSSSSS: ["%n", "[0-9]{9}"],
  a: ["%p", "[AaPp][Mm]"],
};
const offset: [code: string, pattern: string] = ["%z", "(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"];

/** A date format such as `dd.MM.yyyy HH:mm`. */
export interface DateFormat {
  strptime: string;
  /** What a cell must look like: strptime by itself also takes `epoch` and `infinity`. */
  pattern: string;
}

/** Null when the format has a letter that strptime cannot read. */
export function dateFormat(format: string): DateFormat | null {
  const result: DateFormat = { strptime: "", pattern: "" };
  for (const [part] of format.matchAll(/'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g)) {
    const known = /^(?:X{1,3}|Z)$/.test(part) ? offset : letters[part];
    const isLetter = /^[A-Za-z]/.test(part);
    if (isLetter && known === undefined) return null;
    const literal = part.startsWith("'") ? part.slice(1, -1).replaceAll("''", "'") : part;
    result.strptime += isLetter ? (known?.[0] ?? "") : literal.replaceAll("%", "%%");
    result.pattern += isLetter ? (known?.[1] ?? "") : literal.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  }
  return result;
}

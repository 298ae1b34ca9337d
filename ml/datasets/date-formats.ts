/** Letters of a JDK DateTimeFormatter, as ODCS has them, and what DuckDB's strptime calls them. */
const letters: Record<string, string> = {
  yyyy: "%Y",
  uuuu: "%Y",
  yy: "%y",
  MM: "%m",
  M: "%-m",
  MMM: "%b",
  MMMM: "%B",
  dd: "%d",
  d: "%-d",
  EEE: "%a",
  EEEE: "%A",
  HH: "%H",
  H: "%-H",
  hh: "%I",
  h: "%-I",
  mm: "%M",
  m: "%-M",
  ss: "%S",
  s: "%-S",
  SSS: "%g",
  SSSSSS: "%f",
  SSSSSSSSS: "%n",
  a: "%p",
};

/** A date format such as `dd.MM.yyyy HH:mm` for strptime; null when it has a letter that strptime cannot read. */
export function strptimeFormat(format: string): string | null {
  let result = "";
  for (const [part] of format.matchAll(/'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'/g)) {
    if (part.startsWith("'")) result += part.slice(1, -1).replaceAll("''", "'").replaceAll("%", "%%");
    else if (/^[A-Za-z]/.test(part)) {
      const known = /^(?:X{1,3}|Z)$/.test(part) ? "%z" : letters[part];
      if (known === undefined) return null;
      result += known;
    } else result += part.replaceAll("%", "%%");
  }
  return result;
}

/** The first two names that SQL does not tell apart: one of the columns would silently stand for both. Null without any. */
export function twinNames(names: string[]): [string, string] | null {
  const seen = new Map<string, string>();
  for (const name of names) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) return [twin, name];
    seen.set(name.toLowerCase(), name);
  }
  return null;
}

export function twinsInWords([one, other]: [string, string]): string {
  return one === other
    ? `two columns ${one}; rename one of them`
    : `${one} and ${other}, which differ in upper and lower case only and are one name to SQL; rename one of them`;
}

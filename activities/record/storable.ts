/** Postgres keeps neither NUL nor half a surrogate pair; a trainer's log or a forged message may hold both. */
export function storableText(text: string): string {
  return text.replaceAll("\0", "\u{FFFD}").toWellFormed();
}

/** The same for every text within a value of JSON. */
export function storable<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_, member: unknown) => (typeof member === "string" ? storableText(member) : member));
  // Only texts changed, and only in characters.
  return JSON.parse(text) as Value;
}

/** Whether Postgres keeps every text of a value as it is, names of members included. */
export function isStorable(value: unknown): boolean {
  let fits = true;
  JSON.stringify(value, (key: string, member: unknown) => {
    for (const text of [key, member]) if (typeof text === "string" && storableText(text) !== text) fits = false;
    return member;
  });
  return fits;
}

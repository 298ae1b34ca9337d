/** Refuses what a lenient reading would replace by U+FFFD: two different texts must not become one. */
const strict = new TextDecoder("utf-8", { fatal: true });

/** The text of a body, or null where its bytes are not UTF-8. A byte order mark is left out. */
export function decodeUtf8(bytes: ArrayBuffer): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

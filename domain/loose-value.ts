import type { Path } from "./definition-text.ts";

/** Reads parts of a value whose shape is not known yet: what is absent or of another type gives null or nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((present, step) => {
    if (Array.isArray(present)) return typeof step === "number" ? present[step] : undefined;
    return isRecord(present) && Object.hasOwn(present, step) ? present[String(step)] : undefined;
  }, value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textAt(value: unknown, path: Path): string | null {
  const found = valueAt(value, path);
  return typeof found === "string" ? found : null;
}

export function numberAt(value: unknown, path: Path): number | null {
  const found = valueAt(value, path);
  return typeof found === "number" ? found : null;
}

export function textsAt(value: unknown, path: Path): string[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found.map((one) => (typeof one === "string" ? one : "")) : [];
}

export function recordAt(value: unknown, path: Path): Record<string, unknown> {
  const found = valueAt(value, path);
  return isRecord(found) ? found : {};
}

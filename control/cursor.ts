import type { Place } from "../db/reads/page.ts";
import { CountersignError } from "../domain/errors.ts";
import { unstorable } from "./request-body.ts";
import type { Page } from "../domain/http/record-views.ts";

/** Cursors are opaque to the caller: base64url of the last row's place in the order. */
function badCursor(): CountersignError {
  return new CountersignError("invalid", "This cursor is not one that a list gave.", {
    faults: [{ path: "after", message: "must be the `next` of the page before" }],
  });
}

function encode(parts: (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

function decode(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(parts) && unstorable(parts).length === 0) return parts;
  } catch {
    // Told below.
  }
  throw badCursor();
}

/** Throws `invalid`. */
export function placeOf(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const [at, id] = decode(cursor);
  // A time that Postgres wrote, such as `2026-11-22 14:51:17.123456+00`.
  if (typeof at !== "string" || typeof id !== "string" || !/^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?$/.test(at))
    throw badCursor();
  return { at, id };
}

/** For lists by a number or a name. Throws `invalid`. */
export function numberOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const [number] = decode(cursor);
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0) throw badCursor();
  return number;
}

export function nameOf(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [name] = decode(cursor);
  if (typeof name !== "string") throw badCursor();
  return name;
}

/** A page of rows of which one more than `limit` was asked for, to know whether there is a next. */
export function pageOf<Row, Item>(
  rows: Row[],
  limit: number,
  shape: { item: (row: Row) => Item; cursor: (row: Row) => (string | number)[] },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? encode(shape.cursor(last)) : null;
  return { items: shown.map(shape.item), next };
}

import { sql, type RawBuilder } from "kysely";

/** Where a page begins: the sort key of the last row before it. `at` is Postgres' own text, in microseconds, so that no row is met twice or missed. */
export interface Place {
  at: string;
  id: string;
}

export interface PageOf {
  limit: number;
  after: Place | null;
}

/** Newest first: rows after the place, by a time column and an id column. */
export function beyond(after: Place | null, columns: { at: string; id: string }): RawBuilder<boolean> {
  if (after === null) return sql<boolean>`true`;
  return sql<boolean>`(${sql.ref(columns.at)}, ${sql.ref(columns.id)}) < (${after.at}::timestamptz, ${after.id})`;
}

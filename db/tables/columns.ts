import type { ColumnType, Generated } from "kysely";

/**
 * Times come as Date (in milliseconds) and go in as Date or RFC 3339; jsonb comes parsed and goes in
 * as JSON text, because the driver would turn an array into a Postgres array.
 */
export type Time = ColumnType<Date, Date | string, Date | string>;
export type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
export type TimeOfWriting = ColumnType<Date, Date | string | undefined, Date | string>;
export type JsonText<T> = ColumnType<T, string, string>;
export type JsonTextOrNull<T> = ColumnType<T | null, string | null | undefined, string | null>;
export type WithDefault<T> = Generated<T>;
/** Written by a trigger, whatever is inserted. */
export type Derived<T> = ColumnType<T, never, never>;

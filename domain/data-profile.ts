import type { VersionId } from "./ids.ts";

/** What the data of a release looks like, source by source and column by column; an artifact of the ingest stage. */
export interface DataProfile {
  sources: Record<string, SourceProfile>;
}

export interface SourceProfile {
  rows: number;
  /** Quantiles, histograms, top values and shares are of so many rows: all of them, or a fixed part of a large source. */
  sampled: number;
  columns: ColumnSummary[];
  /** Columns beyond those described, by number. */
  omitted: number;
}

export interface ColumnSummary {
  name: string;
  /** As it stands in the files. */
  type: string;
  kind: "number" | "text" | "time" | "boolean" | "other";
  /** Rows without a value. */
  missing: number;
  /** Cells that are there and cannot be read as the type that the contract wants. */
  unreadable: number;
  /** NaN, infinities, and numbers beyond 1e150, of which no moments can be taken. */
  notFinite: number;
  distinct: number;
  /** False: an estimate, within about a percent. */
  distinctExact: boolean;
  /** True: the contract calls it sensitive, and no value of it stands here. */
  masked: boolean;
  number: NumberSummary | null;
  /** Bounds of a time, as `2013-01-31 05:00:00`. */
  time: { min: string; max: string } | null;
  /** The most frequent values, most frequent first. */
  top: { value: string; count: number }[];
  /** How the rows spread over bins of this column's own, for comparison with later data. */
  spread: Spread | null;
}

export interface NumberSummary {
  min: number;
  max: number;
  mean: number;
  deviation: number;
  quantiles: { share: number; value: number }[];
  /** Bins of equal width from the least to the greatest; `edges` has one entry more than `counts`. */
  histogram: { edges: number[]; counts: number[] };
}

export type Spread =
  /** Inner edges; `shares` has one entry more. */
  { kind: "number"; edges: number[]; shares: number[] } | { kind: "category"; values: Record<string, number>; other: number };

/** How the data differs from that of the champion; an artifact of the ingest stage. */
export interface DataDifference {
  champion: VersionId;
  sourcesAdded: string[];
  sourcesRemoved: string[];
  sources: Record<string, SourceDifference>;
}

export interface SourceDifference {
  rows: { before: number; now: number };
  added: string[];
  removed: string[];
  retyped: { name: string; before: string; now: string }[];
  columns: {
    name: string;
    /** Null where there is nothing to compare: masked, without values, or of another type. */
    effect: number | null;
    method: "psi" | "jensen-shannon" | null;
    /** Share of rows without a value, 0 to 1. */
    missing: { before: number; now: number };
    /** Steady below 0.1, or where the number of rows alone can explain it; alert from 0.25. */
    verdict: "steady" | "warn" | "alert";
  }[];
}

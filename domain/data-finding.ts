/**
 * Something that the machine noticed in the data although no contract asked for it. A person who decides
 * reads it; only leakage that is certain, and that the definition does not accept, blocks.
 */
export interface DataFinding {
  kind:
    | "duplicate-rows"
    | "not-finite"
    | "mixed-types"
    | "broken-text"
    | "leakage"
    | "known-later"
    | "overlap"
    | "label-shift"
    | "constant"
    | "mostly-missing"
    | "unseen-category";
  severity: "warning" | "info";
  /** The column, feature or lookup; null for the rows as a whole. */
  column: string | null;
  /** How many rows, and which share of those looked at (0 to 1). */
  rows: number;
  share: number;
  /** A sentence for a person. */
  message: string;
  /** Leakage beyond doubt: it blocks, unless it is accepted. Absent: a warning like others. */
  certain?: true;
  /** The definition's reason (features.accept) for going on with it. */
  accepted?: string;
}

/** What a definition may accept although it is certain: features that give the label away, rows that training has seen. */
export const acceptableFindings = ["leakage", "overlap"] as const;

/** What the featurize stage noticed; an artifact. */
export interface FeatureChecks {
  verdict: "pass" | "warn";
  findings: DataFinding[];
  /** How much each feature tells of the label by itself, the most telling first. */
  telling: {
    feature: string;
    /** Binary and multiclass: AUC on the holdout of the label's rate by the feature alone (0.5 to 1); regression: the share of variance that it explains (0 to 1). */
    value: number;
    method: "auc" | "r2";
  }[];
  /** Columns of sources from which each feature is computed, as `source.column`. */
  lineage: Record<string, string[]>;
  /** Base rate (binary), shares of the classes, or mean of the label on both sides of the split. */
  label: { train: Record<string, number>; holdout: Record<string, number> };
}

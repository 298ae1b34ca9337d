import type { GateRule } from "./policy.ts";

/** The gate at which others look at what was done by break-glass. */
export const reviewName = "break-glass";

const dayMs = 24 * 60 * 60 * 1000;

/** Where the policy says nothing: one of model-risk within three days, reminded each day; then it is overdue and stays open. */
const standardReview: GateRule = {
  name: reviewName,
  ask: "Was it right to break the glass?",
  groups: ["model-risk"],
  quorum: 1,
  deadlineMs: 3 * dayMs,
  onDeadline: "hold",
  remindAt: [1 / 3, 2 / 3],
};

/** The rule of the review, by the policy to which the version's release is pinned. */
export function reviewRule({ breakGlass }: { breakGlass?: GateRule }): GateRule {
  return breakGlass ? { ...breakGlass, name: reviewName } : standardReview;
}

/** Only a review that approves lets it stand; one that ends in any other way takes it back. */
export function reviewLetsStand(resolution: string): boolean | null {
  if (resolution === "approved") return true;
  return resolution === "superseded" || resolution === "withdrawn" ? null : false;
}

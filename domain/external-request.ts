import type { Digest, PrincipalId } from "./ids.ts";

/** What a workflow that is none of the product's asks approval of. */
export interface ExternalRequest {
  /** Id of a published policy, the newest version of which applies, and which of its `external` gates. */
  policy: string;
  rule: string;
  subject: { kind: string; id: string; digest: Digest };
  ask: string;
  why: string;
  /** What approvers see, in sections of plain text. */
  details?: { title: string; text: string }[];
  /** Principals who stand behind it and therefore may not decide. */
  contributors?: { principal: PrincipalId; how: string }[];
}

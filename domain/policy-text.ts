import { stringify } from "yaml";
import type { AuthoredPolicy } from "./policy-schema.ts";

/** A policy as YAML: the start of its next version. */
export function policyText(document: AuthoredPolicy): string {
  return stringify(document, { lineWidth: 0 }).trimEnd();
}

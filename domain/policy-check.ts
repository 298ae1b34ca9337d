import { readText } from "./definition-text.ts";
import type { Format } from "./definition-text.ts";
import type { Fault } from "./errors.ts";
import { canonicalPolicy } from "./policy-form.ts";
import { policyRuleFindings } from "./policy-rules.ts";
import { policyDocumentSchema } from "./policy-schema.ts";
import type { Policy } from "./policy.ts";
import { schemaFaults } from "./schema-faults.ts";
import { inOrder, toFault } from "./written-faults.ts";

export interface CheckedPolicy {
  /** In its canonical form, with the version that was written or `nextVersion`; null when anything is wrong. */
  policy: Policy | null;
  faults: Fault[];
  /** The place of a path such as `gates[0].groups[1]`, for what only the database can tell of it. */
  place(path: (string | number)[]): { line: number; column: number };
}

/**
 * Tells everything that is wrong with a policy at once, each fault with its path, line and column:
 * the same in the CLI, the API and tests. Whether its groups and people exist is asked elsewhere.
 */
export function checkPolicy(text: string, options: { format: Format; nextVersion: number }): CheckedPolicy {
  const read = readText(text, options.format);
  const place = (path: (string | number)[]) => read.placeOf(path, "value");
  if (read.faults.length > 0) return { policy: null, faults: read.faults, place };
  const { output, value, findings, asWritten } = schemaFaults(policyDocumentSchema, read.value);
  const later = policyRuleFindings(value).map((one) => ({ ...one, path: asWritten(one.path) }));
  const faults = inOrder([...findings, ...later].map((one) => toFault(one, read)));
  if (output === null || faults.length > 0) return { policy: null, faults, place };
  const { nextVersion } = options;
  if (output.version !== undefined && output.version !== nextVersion)
    return {
      policy: null,
      faults: [{ path: "version", message: `is ${output.version}; the next one is ${nextVersion}`, ...place(["version"]) }],
      place,
    };
  return { policy: canonicalPolicy(output, nextVersion), faults: [], place };
}

import { contractSchema, type DataContract } from "../../domain/contract-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";

/** The contract of a definition, or `invalid` with every fault at its path (`contract.schema[0].properties[2]…`). */
export function parseContract(value: unknown): DataContract {
  const result = contractSchema.safeParse(value);
  if (result.success) return result.data;
  const faults: Fault[] = result.error.issues.map((issue) => ({
    path: pathOf(issue.path),
    message: issue.message,
  }));
  throw new CountersignError("invalid", `The data contract has ${faults.length} fault${faults.length === 1 ? "" : "s"}.`, {
    faults,
  });
}

function pathOf(path: PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}.${String(part)}`),
    "contract",
  );
}

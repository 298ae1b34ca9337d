import { readText as parse, type Format } from "../domain/definition-text.ts";
import type { Fault } from "../domain/errors.ts";
import { checkPolicy } from "../domain/policy-check.ts";
import { numberAt } from "../domain/loose-value.ts";
import type { Policy } from "../domain/policy.ts";
import { readText } from "./definition-file.ts";

export interface LoadedPolicy {
  /** Null when there are faults. */
  policy: Policy | null;
  /** As it was written: what the API takes. */
  document: unknown;
  /** Each names its file. */
  faults: (Fault & { file: string })[];
  /** Where a fault stands that only the server could find, such as an unknown group. */
  placed(fault: { path: string; message: string }): Fault & { file: string };
}

/** Reads a policy and tells every fault that needs no server; which version comes next, the server says. */
export async function loadPolicyFile(path: string): Promise<LoadedPolicy> {
  const text = await readText(path);
  const unplaced = (fault: { path: string; message: string }) => ({ ...fault, file: path });
  if (typeof text !== "string")
    return { policy: null, document: null, faults: [unplaced({ path: "", message: text.fault })], placed: unplaced };
  const format: Format = path.endsWith(".json") ? "json" : "yaml";
  const { value } = parse(text, format);
  const { policy, faults, place } = checkPolicy(text, { format, nextVersion: numberAt(value, ["version"]) ?? 1 });
  const placed = ({ path: at, message }: { path: string; message: string }) => ({
    path: at,
    message,
    file: path,
    ...place(steps(at)),
  });
  return { policy, document: value, faults: faults.map((fault) => ({ ...fault, file: path })), placed };
}

/** `gates[0].changes["train.l2"]` as steps. */
function steps(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, index, quoted, plain]) =>
    index === undefined ? (quoted ?? plain ?? "") : Number(index),
  );
}

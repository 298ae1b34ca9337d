import type { Path } from "./definition-text.ts";
import type { Finding } from "./schema-faults.ts";

/** One rule about how the parts of a definition fit together; it passes over what has the wrong type. */
export type Rule = (definition: unknown) => Finding[];

export const fault = (path: Path, message: string, spot: Finding["spot"] = "value"): Finding => ({
  path,
  message,
  spot,
});

export const sourcesPath = ["data", "sources"] as const;

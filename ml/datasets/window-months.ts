import type { SourceDefinition } from "../../domain/definition-schema.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import type { Months } from "./offers.ts";

/** The months of a source's window, oldest first; null when it has none. A release's parameters go before the definition's. */
export function windowMonths(definition: SourceDefinition, parameters: ReleaseParameters): Months | null {
  if (definition.window === undefined) return null;
  const [year, month] = (parameters.until ?? definition.window.until).split("-").map(Number);
  const last = (year ?? 0) * 12 + (month ?? 1) - 1;
  const count = parameters.months ?? definition.window.months;
  const months = Array.from({ length: count }, (_, index) => inWords(last - count + 1 + index));
  return { months, from: `${inWords(last - count + 1)}-01`, until: `${inWords(last + 1)}-01` };
}

function inWords(months: number): string {
  return `${String(Math.floor(months / 12)).padStart(4, "0")}-${String((months % 12) + 1).padStart(2, "0")}`;
}

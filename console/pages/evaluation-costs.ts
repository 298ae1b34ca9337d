import { html } from "hono/html";
import type { Evaluation } from "../../domain/evidence.ts";
import { metricInWords } from "../../domain/wording.ts";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

/** What wrong decisions cost at the deployed threshold, and at the best of these rows. */
export function costsPart({ costs = null }: Evaluation): Html {
  if (costs === null) return nothing;
  const { deployed, best, regret, falsePositive, falseNegative } = costs;
  const lost = regret.low > 0 ? "loses" : "may lose";
  return html`<p>
    With ${falsePositive} for a false positive and ${falseNegative} for a false negative, a row costs
    <strong>${metricInWords(deployed.cost.value)}</strong> at the deployed threshold ${deployed.threshold}. Least it would be
    ${metricInWords(best.cost)}, at ${metricInWords(best.threshold)}: the deployed one ${lost} ${metricInWords(regret.value)} a
    row
    <small
      >(${metricInWords(regret.low)} to ${metricInWords(regret.high)}; the best was chosen on these very rows, so it is a little
      too good)</small
    >.
  </p>`;
}

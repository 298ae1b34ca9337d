import { html } from "hono/html";
import type { ModelView, VersionItemView } from "../../domain/http/model-views.ts";
import { badge, gateLink, guards, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

/** How often the glass was broken, and what of it others have still to look at. */
export function breakGlassLine({ breakGlass: { total, open, overdue, reviews } }: Pick<ModelView, "breakGlass">): Html {
  if (total === 0) return nothing;
  const times = total === 1 ? "once" : `${total} times`;
  return html`<p id="break-glass-count">
    ${badge(open > 0 ? "warn" : "quiet", "break-glass")} Used
    ${times}${open === 0 ? "; every review is closed." : html`; waits for review: ${reviews.map((one) => html`${gateLink(one)} `)}`}
    ${overdue > 0 ? badge("fail", `${overdue} overdue`) : nothing}
  </p>`;
}

/** For those who hold the role: a slot moves at once, so a box must be ticked. */
export function breakGlassForm(view: { model: ModelView; versions: VersionItemView[]; csrf: string; key: string }): Html {
  const { model, versions, csrf, key } = view;
  return html`<details class="card">
    <summary>Break the glass</summary>
    <form method="post" action="${paths.model(model.model)}/break-glass" data-once>
      ${guards({ csrf, key: `${key}-break-glass` })}
      <p>Past every gate, at once, in your name. Others review it; when they reject it, it is undone by itself.</p>
      <label class="field" for="glass-environment"
        ><span>Where</span
        ><select id="glass-environment" name="environment">
          ${model.slots.map((one) => html`<option>${one.environment}</option>`)}
        </select></label
      >
      <label class="field" for="glass-version"
        ><span>What</span
        ><select id="glass-version" name="what">
          <option value="">back to the champion before</option>
          ${versions.map((one) => html`<option value="${one.id}">promote ${one.id}</option>`)}
        </select></label
      >
      <label class="field" for="glass-reason"
        ><span>Reason</span><input id="glass-reason" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <label class="tick"><input type="checkbox" name="confirm" value="yes" required /> Move all traffic there now</label>
      <button class="danger" type="submit">Break the glass</button>
    </form>
  </details>`;
}

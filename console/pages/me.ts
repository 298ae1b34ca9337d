import { html } from "hono/html";
import type { DelegationView, TokenView } from "../../domain/http/people-views.ts";
import type { MeView } from "../../domain/http/record-views.ts";
import { badge, facts, guards, moment, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

export interface MePage {
  me: MeView;
  tokens: TokenView[];
  delegations: DelegationView[];
  /** Whom one can delegate to. */
  people: { principal: string; displayName: string }[];
  models: string[];
  scopes: readonly string[];
  now: string;
  csrf: string;
  key: string;
  receipt: Html;
}

export function mePage(view: MePage): Html {
  const { me, receipt } = view;
  return html`<header class="title">
      <h1>${me.displayName}</h1>
      <p class="sub">${me.principal}</p>
    </header>
    ${receipt}
    <section class="card" aria-labelledby="rights-title">
      <h2 id="rights-title">Where you belong</h2>
      ${facts([
        ["Groups", me.groups.join(", ") || "none"],
        ["Roles", me.roles.join(", ") || "none"],
      ])}
      <p><a href="${paths.people()}">Everybody</a></p>
    </section>
    ${delegations(view)} ${tokens(view)}`;
}

function delegations(view: MePage): Html {
  const { delegations: given, me, csrf, key } = view;
  return html`<section class="card" aria-labelledby="delegations-title">
    <h2 id="delegations-title">Who decides for whom</h2>
    ${given.length === 0 ? html`<p>You decide for nobody, and nobody decides for you.</p>` : nothing}
    <ul class="plain-list" id="delegations" data-part>
      ${given.map(
        (one) =>
          html`<li>
            <strong>${one.from === me.principal ? `${one.to} decides for you` : `You decide for ${one.from}`}</strong>
            ${one.model === null ? "on every model" : `on ${one.model}`} until ${moment(one.until)}
            ${badge(one.state === "standing" ? "active" : one.state, one.state)} ${one.reason}
            ${one.state === "standing" ? endForm(one, { csrf, key, own: one.from === me.principal }) : nothing}
          </li>`,
      )}
    </ul>
    ${me.kind === "person" ? giveForm(view) : nothing}
  </section>`;
}

function endForm(one: DelegationView, { csrf, key, own }: { csrf: string; key: string; own: boolean }): Html {
  return html`<details>
    <summary>${own ? "Take it back" : "Decline it"}</summary>
    <form method="post" action="${paths.me()}/delegations/end" data-once>
      ${guards({ csrf, key: `${key}-${one.id}` })}<input type="hidden" name="id" value="${one.id}" />
      <label class="field" for="why-${one.id}"
        ><span>Reason</span><input id="why-${one.id}" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <button class="danger" type="submit">${own ? `Take it back from ${one.to}` : "Decline"}</button>
    </form>
  </details>`;
}

function giveForm({ people, models, now, me, csrf, key }: MePage): Html {
  const day = (days: number) => new Date(Date.parse(now) + days * 86_400_000).toISOString().slice(0, 10);
  return html`<details>
    <summary>Let somebody decide for you</summary>
    <form method="post" action="${paths.me()}/delegations" data-once>
      ${guards({ csrf, key: `${key}-delegate` })}
      <p>
        She decides with the groups that you hold, until then or until you take it back; not where you or she contributed, and she
        cannot pass it on.
      </p>
      <label class="field" for="delegate-to"
        ><span>Who</span
        ><select id="delegate-to" name="to" required>
          ${people
            .filter((one) => one.principal !== me.principal)
            .map((one) => html`<option value="${one.principal}">${one.displayName} (${one.principal})</option>`)}
        </select></label
      >
      <label class="field" for="delegate-until"
        ><span>Until the end of (UTC)</span
        ><input id="delegate-until" name="until" type="date" required min="${day(0)}" max="${day(59)}" value="${day(14)}"
      /></label>
      <label class="field" for="delegate-model"
        ><span>On</span
        ><select id="delegate-model" name="model">
          <option value="">every model</option>
          ${models.map((one) => html`<option>${one}</option>`)}
        </select></label
      >
      <label class="field" for="delegate-reason"
        ><span>Reason</span><input id="delegate-reason" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <button class="main" type="submit">Delegate</button>
    </form>
  </details>`;
}

function tokens({ tokens: all, scopes, now, csrf, key }: MePage): Html {
  const valid = all.filter((one) => one.revokedAt === null && one.expiresAt > now);
  return html`<section class="card" aria-labelledby="tokens-title">
    <h2 id="tokens-title">Your tokens and sessions</h2>
    <ul class="plain-list" id="tokens" data-part>
      ${valid.map(
        (one) =>
          html`<li>
            <strong>${one.name}</strong> ${one.scopes.join(", ") || "for all that you may do"}, until ${moment(one.expiresAt)}
            <form method="post" action="${paths.me()}/tokens/end" data-once>
              ${guards({ csrf, key: `${key}-${one.id}` })}<input type="hidden" name="id" value="${one.id}" />
              <button class="plain" type="submit" aria-label="End ${one.name}, made ${one.createdAt}">End it</button>
            </form>
          </li>`,
      )}
    </ul>
    <details>
      <summary>Make a token</summary>
      <form method="post" action="${paths.me()}/tokens" data-once>
        ${guards({ csrf, key: `${key}-token` })}
        <label class="field" for="token-name"
          ><span>What for</span><input id="token-name" name="name" required maxlength="120" autocomplete="off"
        /></label>
        <label class="field" for="token-days"
          ><span>For how many days</span><input id="token-days" name="days" type="number" min="1" max="365" value="90" required
        /></label>
        <fieldset>
          <legend>Only for (nothing ticked: all that you may do)</legend>
          ${scopes.map((one) => html`<label class="tick"><input type="checkbox" name="scope.${one}" value="yes" /> ${one}</label>`)}
        </fieldset>
        <button type="submit">Make it</button>
      </form>
    </details>
  </section>`;
}

/** A token, this once. */
export function tokenBox(token: string, name: string): Html {
  return html`<section class="card callout receipt good" id="receipt" role="status" data-receipt="accepted">
    <p><strong>Your token for ${name}.</strong> Copy it now: it is not shown again.</p>
    <p><code class="token">${token}</code></p>
  </section>`;
}

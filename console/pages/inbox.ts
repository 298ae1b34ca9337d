import { html } from "hono/html";
import type { GateItemView } from "../../domain/http/gate-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { badge, guards, moment, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

export interface InboxForm {
  csrf: string;
  key: string;
  receipt: Html;
}

/** A page each of what this person may decide and of all that is open. */
export interface Waiting {
  mine: Page<GateItemView>;
  open: Page<GateItemView>;
}

/** What waits: mine first, what is overdue before the rest. */
export function inboxPage(waiting: Waiting, form: InboxForm): Html {
  const known = new Map([...waiting.mine.items, ...waiting.open.items].map((gate) => [gate.id, gate]));
  const sorted = [...known.values()].toSorted(
    (one, other) =>
      Number(other.overdueSince !== null) - Number(one.overdueSince !== null) ||
      one.request.deadline.localeCompare(other.request.deadline),
  );
  const mine = sorted.filter((gate) => gate.you.mayDecide);
  const others = sorted.filter((gate) => !gate.you.mayDecide);
  return html`<header class="title"><h1>Inbox</h1></header>
    ${form.receipt}
    <div id="inbox" data-part>
      <section aria-labelledby="mine">
        <h2 id="mine">You may decide</h2>
        ${
          mine.length === 0
            ? html`<p class="card empty">Nothing waits for you.</p>`
            : html`<ul class="tiles">
                  ${mine.map((gate) => gateTile(gate, "Review and decide"))}
                </ul>
                ${waiting.mine.next === null ? nothing : html`<p class="note">More wait for you: they follow here once some of these are decided.</p>`}`
        }
      </section>
    </div>
    <div id="several" data-part data-keep="${mine.map(({ id }) => id).join(" ")}" data-keep-open>
      ${mine.length > 1 ? several(mine, form) : nothing}
    </div>
    <div id="waits-for-others" data-part>
      ${
        others.length === 0
          ? nothing
          : html`<section aria-labelledby="others">
              <h2 id="others">Others decide</h2>
              <ul class="tiles">
                ${others.map((gate) => gateTile(gate, "Look"))}
              </ul>
              ${waiting.open.next === null ? nothing : html`<p class="note">More are open than are shown here.</p>`}
            </section>`
      }
    </div>`;
}

function gateTile(gate: GateItemView, action: string): Html {
  return html`<li class="card">
    <h3>${gate.request.ask}</h3>
    <p>
      <strong>${gate.subject.kind === "deployment" ? (gate.model ?? gate.subject.id) : gate.subject.id}</strong>
      ${verdictOf(gate)} ${gate.recommendation.sentence}
    </p>
    <p class="note">
      ${gate.missing.join(" and ") || "nothing is missing"},
      ${gate.overdueSince === null ? html`until ${moment(gate.request.deadline)}.` : html`${badge("fail", "overdue")} since ${moment(gate.overdueSince)}.`}
      ${gate.undecidable ?? ""} ${gate.you.mayDecide || gate.you.why === null ? "" : gate.you.why}
    </p>
    <p>
      <a class="button" href="${paths.gate(gate.id)}">${action} <span class="for-readers">${gate.id}</span></a>
    </p>
  </li>`;
}

const examined = new Set(["version", "dataset", "definition", "policy", "retirement", "deployment"]);

/** Of somebody else's subject nothing was examined: a green word would say that it was. */
function verdictOf({ subject, recommendation }: GateItemView): Html {
  return examined.has(subject.kind) ? badge(recommendation.verdict) : nothing;
}

/** Each decision of the batch is answered by a receipt of its own. */
function several(gates: GateItemView[], { csrf, key }: InboxForm): Html {
  return html`<details class="card several">
    <summary>Decide on several at once</summary>
    <form method="post" action="${paths.inbox()}/decisions" data-once>
      ${guards({ csrf, key })}
      <ul class="plain-list">
        ${gates.map(
          (gate) =>
            html`<li>
              <label
                ><input type="checkbox" name="gate.${gate.id}" value="yes" /> ${gate.id} ${verdictOf(gate)}
                <small>${gate.request.ask}</small></label
              ><input type="hidden" name="digest.${gate.id}" value="${gate.request.digest}" />
            </li>`,
        )}
      </ul>
      <fieldset class="choice">
        <legend>Your decision on all that are ticked</legend>
        <label class="approve"
          ><input type="radio" name="decision" value="approve" required /> <span><strong>Approve</strong></span></label
        >
        <label class="reject"
          ><input type="radio" name="decision" value="reject" required /> <span><strong>Reject</strong></span></label
        >
      </fieldset>
      <label class="field" for="several-reason"
        ><span>Reason <small>(required to reject)</small></span
        ><textarea id="several-reason" name="reason" rows="2" maxlength="2000"></textarea></label
      ><button type="submit">Send decisions</button>
    </form>
  </details>`;
}

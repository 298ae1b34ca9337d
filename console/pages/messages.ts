import { html } from "hono/html";
import type { MessagesView, OwnMessagesView } from "../../domain/http/message-views.ts";
import type { MeView } from "../../domain/http/record-views.ts";
import { guards, moment, nothing, type Html } from "../markup.ts";

interface FormProof {
  csrf: string;
  key: string;
}

/** Where messages go, how each way stands, and what could not be delivered. */
export function messagesPage({ messages, own, form }: { messages: MessagesView; own: OwnMessagesView; form: FormProof }): Html {
  const { teams, ways, counts, troubled } = messages;
  return html`<header class="title"><h1>Messages</h1></header>
    <section class="card" aria-labelledby="ways-title">
      <h2 id="ways-title">Ways</h2>
      ${
        ways.length === 0
          ? html`<p>No way was used yet.</p>`
          : html`<ul class="plain-list">
              ${ways.map(({ way, code, detail, cure, at }) =>
                code === "ok"
                  ? html`<li><strong>${way}</strong> works, since ${moment(at)}</li>`
                  : html`<li class="fault"><strong>${way}</strong> does not work: ${detail} ${cure} (${moment(at)})</li>`,
              )}
            </ul>`
      }
      <p>${counts.done} delivered, ${counts.due} under way, ${counts.failed} given up.</p>
    </section>
    <section class="card" aria-labelledby="teams-title">
      <h2 id="teams-title">Teams</h2>
      ${
        teams.length === 0
          ? html`<p>No team has settings of its own: all are told in the default channel.</p>`
          : html`<ul class="plain-list">
              ${teams.map((one) => html`<li><strong>${one.team}</strong> ${placesOf(one).join(", ") || "nowhere of its own"}</li>`)}
            </ul>`
      }
      <p class="note">Operators set them: <code>countersign notify set &lt;team&gt; --channel … --email … --webhook …</code></p>
    </section>
    ${ownSection(own, form)} ${troubled.length === 0 ? nothing : troubles(troubled)}`;
}

function placesOf({ slack, emails, webhook }: MessagesView["teams"][number]): string[] {
  return [
    ...(slack === null ? [] : [`Slack ${slack.channel}`]),
    ...emails,
    ...(webhook === null ? [] : [URL.parse(webhook.url)?.origin ?? "a webhook"]),
  ];
}

function ownSection({ direct, email, slack }: OwnMessagesView, form: FormProof): Html {
  return html`<section class="card" aria-labelledby="own-title">
    <h2 id="own-title">You</h2>
    <p>
      ${direct ? "You are told yourself of what you may decide." : "You are told in channels only."}
      ${email === null ? "No address is on record." : `Address: ${email}.`}
    </p>
    <form method="post" action="/messages/me">
      ${guards(form)}<input type="hidden" name="direct" value="${direct ? "no" : "yes"}" />
      <button type="submit">${direct ? "Do not tell me myself" : "Tell me myself"}</button>
    </form>
    ${
      slack.length === 0
        ? html`<p>Not linked to Slack: write <code>/countersign inbox</code> there and open the link.</p>`
        : slack.map(
            ({ team, user }) =>
              html`<form method="post" action="/messages/unlink">
                ${guards(form)}<input type="hidden" name="team" value="${team}" /><input
                  type="hidden"
                  name="user"
                  value="${user}"
                />
                <p>
                  Linked to <code>${user}</code> of <code>${team}</code> in Slack.
                  <button class="plain" type="submit">Unlink</button>
                </p>
              </form>`,
          )
    }
  </section>`;
}

function troubles(troubled: MessagesView["troubled"]): Html {
  return html`<section class="card" aria-labelledby="trouble-title">
    <h2 id="trouble-title">Not delivered</h2>
    <ul class="plain-list">
      ${troubled.map(
        ({ notice, subject, way, destination, state, failure, cure }) =>
          html`<li>
            <strong>${notice}</strong> of ${subject} by ${way} to <code>${destination}</code>:
            ${state === "failed" ? "given up" : state === "due" ? "tried again" : "delivered after trouble"}. ${failure} ${cure}
          </li>`,
      )}
    </ul>
  </section>`;
}

/** Asks whether this person of Slack is the one who reads this. */
export function linkPage(of: {
  person: { user: string; team: string; userName: string };
  me: MeView;
  code: string;
  form: FormProof;
}): Html {
  const { person, me, code, form } = of;
  return html`<header class="title"><h1>Link with Slack</h1></header>
    <section class="card">
      <p>
        Whoever uses <strong>${person.userName}</strong> (<code>${person.user}</code> of <code>${person.team}</code>) in Slack
        will act here as <strong>${me.displayName}</strong> (${me.principal}). Confirm only if that is you: you asked for this
        link yourself, a moment ago.
      </p>
      <form method="post" action="/slack/link">
        ${guards(form)}<input type="hidden" name="code" value="${code}" />
        <button class="main" type="submit">This is me</button>
      </form>
    </section>`;
}

export function linkedPage(me: MeView): Html {
  return html`<header class="title"><h1>Linked</h1></header>
    <section class="card">
      <p>What you do in Slack is now done by ${me.displayName} (${me.principal}). You can close this page.</p>
    </section>`;
}

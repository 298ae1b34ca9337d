import { html } from "hono/html";
import type { Fault } from "../faults.ts";
import type { Handle } from "../handle.ts";
import { nothing, type Html } from "./mrkdwn.ts";

const shown = 60;
const timeOf = (at: number) => new Date(at).toISOString().slice(11, 23);

const faultButtons: [string, Fault[]][] = [
  ["Slack is down", [{ kind: "outage" }]],
  ["Slack is slow", [{ kind: "slow", delayMs: 2_000 }]],
  ["Too many requests", [{ kind: "rate-limited", retryAfterSeconds: 5, times: 3 }]],
  ["Next answer is lost", [{ kind: "answer-lost", times: 1 }]],
  ["Clicks get lost", [{ kind: "delivery-dropped" }]],
  ["Clicks come twice", [{ kind: "delivery-duplicated" }]],
  ["Token is revoked", [{ kind: "token-revoked" }]],
  ["All is well", []],
];

/** What the app called, what it was sent, and what Slack would not have liked. */
export function renderLog(handle: Handle, consoleUrl: string | null): Html {
  const calls = handle.calls().slice(-shown).toReversed();
  const deliveries = handle.deliveries().slice(-shown).toReversed();
  const complaints = handle.complaints().slice(-shown).toReversed();
  return html`<header class="bar">
      <h1>What went over the wire</h1>
      <p>${consoleUrl === null ? nothing : html`<a href="${consoleUrl}">Countersign's console</a>`}</p>
    </header>
    <div class="messages log" role="region" aria-label="Log" tabindex="0">
      <h3>Faults in force</h3>
      <p>
        ${
          handle.activeFaults().length === 0
            ? "None. POST /sandbox/faults sets others than these."
            : html`<code>${JSON.stringify(handle.activeFaults())}</code>`
        }
      </p>
      <p class="actions">
        ${faultButtons.map(
          ([name, faults]) => html`<button type="button" class="button" data-faults="${JSON.stringify(faults)}">${name}</button>`,
        )}
      </p>
      ${
        complaints.length === 0
          ? nothing
          : html`<h3>Complaints</h3>
              <ul>
                ${complaints.map((sentence) => html`<li>${sentence}</li>`)}
              </ul>`
      }
      <h3>Sent to the app</h3>
      ${table(
        ["when", "what", "answer", "ms"],
        deliveries.map((one) => [
          timeOf(one.at),
          `${one.kind}${one.retryNum > 0 ? ` (retry ${one.retryNum})` : ""}`,
          one.error ?? String(one.status ?? "…"),
          one.tookMs === null ? "" : one.tookMs.toFixed(0),
        ]),
      )}
      <h3>Called by the app</h3>
      ${table(
        ["when", "method", "answer"],
        calls.map((one) => [timeOf(one.at), one.method, one.error ?? "ok"]),
      )}
    </div>`;
}

function table(head: string[], rows: string[][]): Html {
  if (rows.length === 0) return html`<p class="empty">Nothing yet.</p>`;
  return html`<table>
    <thead>
      <tr>
        ${head.map((cell) => html`<th>${cell}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

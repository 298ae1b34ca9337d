import { setTimeout as sleep } from "node:timers/promises";
import { html } from "hono/html";
import type { Answer } from "../control/answer.ts";
import type { Caller } from "../control/caller.ts";
import type { Control } from "../control/control.ts";
import { faultInWords } from "../domain/definition-check.ts";
import { CountersignError } from "../domain/errors.ts";
import type { DecisionAnswersView, ReceiptView } from "../domain/http/gate-views.ts";
import type { CommandView } from "../domain/http/record-views.ts";
import type { Problem } from "../domain/http/problem.ts";
import { isRecord, textAt, valueAt } from "../domain/loose-value.ts";
import { gateLink, nothing, releaseLink, toneOf } from "./markup.ts";
import type { Html } from "./markup.ts";

/** A double click sends the form twice; the second waits for the first one's answer. */
const inUsePauseMs = 200;
const inUseAttempts = 50;

/** Sends a command; while the same one is under way, waits for its answer instead of refusing. */
export async function patiently<Value>(send: () => Promise<Answer<Value>>): Promise<Answer<Value>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const underWay = error instanceof CountersignError && error.code === "key-in-use";
      if (!underWay || attempt === inUseAttempts) throw error;
      await sleep(inUsePauseMs);
    }
  }
}

/** What became of the command that the page's address names, in words; it reads only. */
export async function receiptOf(control: Control, caller: Caller, command: string | undefined): Promise<Html> {
  if (command === undefined || !/^cmd_[\w-]{1,60}$/.test(command)) return nothing;
  const view = await commandOf(control, caller, command);
  if (view === null) return nothing;
  if (view.state !== "pending" && view.answer !== null) return answerInWords(view.answer.status, view.answer.body);
  const words = "The outcome is not known yet; nothing is lost. It appears here as soon as it is.";
  return box("pending", html`<p><strong>Sent.</strong> ${words}</p>`);
}

/** A receipt that cannot be found is no reason to withhold the page. */
async function commandOf(control: Control, caller: Caller, command: string): Promise<CommandView | null> {
  try {
    return await control.command(caller, command);
  } catch (error) {
    if (error instanceof CountersignError) return null;
    throw error;
  }
}

function answerInWords(status: number, body: unknown): Html {
  // What is kept of a command was written by control under these schemas.
  if (status >= 400) return problemBox(body as Problem);
  if (textAt(body, ["receipt"]) !== null) return decisionBox(body as ReceiptView);
  const items = valueAt(body, ["items"]);
  if (Array.isArray(items)) return severalBox(items as DecisionAnswersView["items"]);
  if (textAt(body, ["gate"]) !== null && textAt(body, ["by"]) !== null)
    return box("accepted", html`<p><strong>Taken back.</strong> Your decision does not count; you may decide anew.</p>`);
  if (textAt(body, ["finding"]) !== null)
    return box("accepted", html`<p><strong>Closed.</strong> What was done about the finding is on record.</p>`);
  if (textAt(body, ["reproduction"]) !== null)
    return box(
      "accepted",
      html`<p><strong>It is being trained a second time.</strong> What comes of it appears on this page.</p>`,
    );
  const release = textAt(body, ["release"]);
  const deployment = valueAt(body, ["deployment"]);
  const review = textAt(body, ["review"]);
  if (isRecord(deployment) && review !== null)
    return box(
      "accepted",
      html`<p>
        <strong>Done.</strong> ${String(deployment["version"])} serves ${String(deployment["environment"])} (epoch
        ${String(deployment["epoch"])}). Others review it: ${gateLink(review)}
      </p>`,
    );
  const changes = valueAt(body, ["changes"]);
  if (Array.isArray(changes)) return changesBox(changes);
  if (isRecord(deployment))
    return box(
      "accepted",
      html`<p>
        <strong>Rolled back.</strong> ${String(deployment["version"])} serves ${String(deployment["environment"])} (epoch
        ${String(deployment["epoch"])}).
      </p>`,
    );
  if (release !== null && valueAt(body, ["folded"]) === true)
    return box(
      "accepted",
      html`<p><strong>Noted.</strong> Your request went into ${releaseLink(release)}, which was there already.</p>`,
    );
  if (release !== null && valueAt(body, ["folded"]) === false)
    return box("accepted", html`<p><strong>Requested.</strong> ${releaseLink(release)} begins.</p>`);
  const action = textAt(body, ["action"]);
  const done =
    action === "retry"
      ? "The stage is tried again."
      : action === "skip"
        ? "The release goes on without the stage."
        : action === "abandon"
          ? "The release is abandoned."
          : "It is carried out.";
  return box("accepted", html`<p><strong>Done.</strong> ${done}</p>`);
}

/** One line a decision of the batch: what each was answered. */
function severalBox(items: DecisionAnswersView["items"]): Html {
  const taken = items.filter((item) => item.status < 300).length;
  return box(
    taken === items.length ? "accepted" : taken === 0 ? "fail" : "partly",
    html`<p><strong>${taken} of ${items.length} decisions were taken.</strong></p>
      <ul>
        ${items.map(({ gate, answer }) => html`<li>${gateLink(gate)}: ${textAt(answer, ["message"]) ?? textAt(answer, ["detail"]) ?? ""}</li>`)}
      </ul>`,
  );
}

/** What became of a change of people. */
function changesBox(changes: unknown[]): Html {
  if (changes.length === 0) return box("accepted", html`<p><strong>Done.</strong> It was so already.</p>`);
  return box(
    "accepted",
    html`<p><strong>Done.</strong></p>
      <ul>
        ${changes.map((one) => html`<li>${String(one)}</li>`)}
      </ul>`,
  );
}

const headings: Record<ReceiptView["receipt"], string> = {
  accepted: "Your decision counts.",
  pending: "Sent; not known yet.",
  duplicate: "It is on record already.",
  invalid: "Not taken.",
  "not-allowed": "You may not decide here.",
  self: "You contributed to it.",
  superseded: "This was asked anew.",
  "already-decided": "Somebody was faster.",
  expired: "Too late.",
  stale: "The request changed.",
  "already-voted": "You decided otherwise before.",
};

function decisionBox({
  receipt,
  message,
  missing,
  supersededBy,
}: Pick<ReceiptView, "receipt" | "message" | "missing" | "supersededBy">): Html {
  return box(
    receipt,
    html`<p><strong>${headings[receipt]}</strong> ${message}</p>
      ${missing.length === 0 || receipt === "accepted" ? nothing : html`<p>Still missing: ${missing.join(", ")}.</p>`}${supersededBy === undefined ? nothing : html`<p>Decide there: ${gateLink(supersededBy)}</p>`}`,
  );
}

export function problemBox(
  problem: Pick<Problem, "detail" | "cure" | "errors" | "receipt" | "message" | "missing" | "supersededBy">,
): Html {
  const { receipt, message, missing = [], supersededBy } = problem;
  if (receipt !== undefined && message !== undefined) return decisionBox({ receipt, message, missing, supersededBy });
  return box(
    "fail",
    html`<p><strong>${problem.detail}</strong> ${problem.cure}</p>
      ${
        problem.errors === undefined
          ? nothing
          : html`<ul>
              ${problem.errors.map((fault) => html`<li>${faultInWords(fault)}</li>`)}
            </ul>`
      }`,
  );
}

/** A tone, not only a colour: the heading says the same. */
function box(kind: string, content: Html): Html {
  const tone = kind === "fail" ? "bad" : toneOf(kind) === "quiet" ? "wait" : toneOf(kind);
  return html`<section class="card callout receipt ${tone}" id="receipt" data-part role="status" data-receipt="${kind}">
    ${content}
  </section>`;
}

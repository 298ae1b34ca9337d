import { receiptKinds, receiptStatus, type ReceiptKind, type Resolution } from "../../../domain/gate.ts";
import type { Digest, GateId } from "../../../domain/ids.ts";
import type { SandboxMessage, SandboxView } from "../../../slack-sandbox/workspace/model.ts";
import { gateMessage, gateActions } from "../../../slack/blocks/gate-message.ts";
import { readGateNotice } from "../../../activities/notify/read-gate-notice.ts";
import type { Attempt, GateSurface, Reply, Shown } from "../surface.ts";
import type { ConformanceStand } from "../stand.ts";
import { openSlack, type SlackOfStand } from "./slack-stand.ts";

/** Slack: clicks and forms as signed requests of the sandbox, receipts as the private sentences that come back. */
export async function createSlackSurface(stand: ConformanceStand): Promise<GateSurface & { slack: SlackOfStand["slack"] }> {
  const { slack, channel, links, close } = await openSlack(stand);
  const { db } = stand.world;
  const alone = createTurns();

  const posted = (gate: GateId): SandboxMessage | undefined =>
    slack.messages(channel).find((one) => JSON.stringify(one.metadata ?? {}).includes(`gate/${gate}/`));

  /** The request as somebody has it before her: as it was posted, or, where its turn has not come or it was decided, as it is worded. */
  async function before(gate: GateId, digest: Digest): Promise<SandboxMessage> {
    const there = posted(gate);
    const message = there && hasButtons(there) ? structuredClone(there) : await worded(gate);
    return withButtons(message, (value) => ({ ...value, d: digest }));
  }

  async function worded(gate: GateId): Promise<SandboxMessage> {
    const notice = await readGateNotice({ db, links, carriers: {}, defaults: { slack: null, emails: [] } }, gate);
    if (notice === null) throw new Error(`There is no ${gate}.`);
    const { text, blocks } = gateMessage({ ...notice, state: "open" });
    const who = { channel, user: slack.botUserId, bot_id: slack.botId, thread_ts: null, ephemeral_for: null };
    const nothing = { attachments: null, edited: null, metadata: null, reply_count: 0, files: [], reactions: [] };
    const plain = { tombstone: false, is_answer: false, answer_to: null };
    // The sandbox checks blocks where they are posted; here the same ones are only clicked on.
    return { ...who, ...nothing, ...plain, text, blocks: blocks as SandboxMessage["blocks"], ts: "1700000000.000001" };
  }

  async function click(who: string, message: SandboxMessage, actionId: string) {
    const outcome = await slack.click({ as: who, channel, ts: message.ts, actionId, asSeen: message });
    return { ...outcome, triggerId: outcome.triggerId ?? "" };
  }

  /** What the person is told after a click that was to decide: the last sentence counts. */
  async function told(who: string, gate: GateId, clicked: Awaited<ReturnType<typeof click>>): Promise<Reply> {
    const sentence = await slack
      .until(() => slack.answers(clicked.triggerId).find((one) => receiptIn(one.text) !== "pending"), clicked.ok ? 10_000 : 4_000)
      .then((one) => one.text)
      .catch(() => slack.answers(clicked.triggerId).at(-1)?.text ?? "");
    const receipt = receiptIn(sentence);
    if (receipt !== null && receipt !== "pending") return replyOf(sentence);
    // Slack's own error, or not on record in time: she looks at the message, which tells the truth.
    const known = await slack.until(() => namesDecider(posted(gate), who), 6_000).catch(() => false);
    const text = `status ${clicked.status} ${sentence}`;
    return known ? { receipt: "accepted", refused: false, text } : { receipt: "pending", refused: false, text };
  }

  /** A button that opens a form, the form filled in and sent; or what the person is told instead of the form. */
  async function byForm(who: string, message: SandboxMessage, { gate, decision, reason, inputs = {} }: Attempt): Promise<Reply> {
    const clicked = await click(who, message, gateActions[decision]);
    const form = await slack.until(() => slack.view(who) ?? slack.answers(clicked.triggerId).length > 0, 8_000).catch(() => null);
    if (form === null || form === true) return told(who, gate, clicked);
    try {
      const filled = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`input.${name}`, String(value)]));
      const sent = await slack.submitView({ as: who, values: { ...filled, ...(reason !== undefined && { reason }) } });
      const faults = Object.entries(sent.errors);
      if (faults.length > 0) return { receipt: "invalid", refused: true, text: JSON.stringify(sent.errors) };
      if (!sent.ok) return { receipt: "pending", refused: false, text: `status ${sent.status}` };
      const answered = await slack.until(() => isFinal(slack.view(who)), 10_000);
      return replyOf(wordsOf(answered));
    } finally {
      while (slack.view(who) !== null) await slack.closeView({ as: who });
    }
  }

  return {
    name: "Slack",
    slack,
    // `follows` excuses a browser from what its own form cannot send; here a button can be as old as one likes.
    can: { withdraw: false, escalate: true, inputs: true, key: false, follows: false },
    crowd: 10,
    async decide(who, attempt) {
      const message = await before(attempt.gate, attempt.digest);
      const atOnce = attempt.decision === "approve" && inputsAsked(message) === 0;
      if (atOnce) return told(who, attempt.gate, await click(who, message, gateActions.approve));
      // One person has one form before her.
      return alone(who, () => byForm(who, message, attempt));
    },
    async read(_who, gate) {
      const row = await db.selectFrom("gates").select("state").where("id", "=", gate).executeTakeFirst();
      if (!row) return null;
      // The message tells the truth within seconds, not in the same instant.
      return shownIn(await slack.until(() => (row.state === "closed" ? closedOne(posted(gate)) : posted(gate)), 90_000));
    },
    async watch(_who, gate) {
      await slack.until(() => posted(gate), 90_000);
      return {
        untilClosed: async () => shownIn(await slack.until(() => closedOne(posted(gate)), 20_000)),
        close: () => Promise.resolve(),
      };
    },
    async lookAround(who, gate, digest) {
      const message = await before(gate, digest);
      await slack.openHome({ as: who });
      for (const text of ["inbox", "status", `why ${gate}`, "stuck", "help"]) await slack.command({ as: who, channel, text });
      await click(who, message, gateActions.open);
      for (const method of ["GET", "HEAD", "OPTIONS"])
        await fetch(`${links.publicUrl}/slack/events?${query(digest)}`, { method });
      await alone(who, async () => {
        for (const decision of ["reject", "request-changes", "escalate"] as const) {
          await click(who, message, gateActions[decision]);
          if (slack.view(who) !== null) await slack.closeView({ as: who });
        }
      });
    },
    async malformed(who, gate, digest) {
      const replies: Reply[] = [];
      const message = await before(gate, digest);
      for (const change of bentButtons) {
        const clicked = await click(who, withButtons(message, change), gateActions.approve);
        replies.push(await told(who, gate, clicked));
      }
      const { deliveryId } = await click(who, message, gateActions.open);
      for (const [index, body] of ["", "payload={", "payload=null", "payload=%7B%7D"].entries()) {
        const { status } = await slack.replay(deliveryId, { body, at: Date.now() + (index + 1) * 1_000 });
        replies.push({ receipt: null, refused: status !== 200, text: `${body}: ${status}` });
      }
      const attempt: Omit<Attempt, "decision"> = { gate, digest, reason: " " };
      for (const decision of ["reject", "request-changes"] as const)
        replies.push(await alone(who, () => byForm(who, message, { ...attempt, decision })));
      return replies;
    },
    close,
  };
}

type ButtonValue = Record<string, unknown>;

/** Values that no message of ours has. */
const bentButtons: ((value: ButtonValue) => unknown)[] = [
  () => "perhaps",
  () => null,
  ({ d }) => ({ d, i: 0 }),
  ({ g }) => ({ g, i: 0 }),
  ({ g }) => ({ g, d: "what-i-saw", i: 0 }),
  ({ g, d }) => ({ g: [g], d: [d], i: 0 }),
];

const query = (digest: Digest) => new URLSearchParams({ decision: "approve", digest }).toString();

/** One after the other for each person. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <Result>(who: string, work: () => Promise<Result>): Promise<Result> => {
    const turn = (last.get(who) ?? Promise.resolve()).then(work, work);
    last.set(who, turn);
    return turn;
  };
}

interface Button {
  action_id?: string | undefined;
  value?: string | undefined;
}

function buttonsOf(message: SandboxMessage | undefined): Button[] {
  const elements = (message?.blocks ?? []).flatMap((block) => (block.type === "actions" ? block.elements : []));
  // Of an actions block's elements only buttons have a value of their own.
  return elements.filter((element) => element.type === "button") as Button[];
}

const hasButtons = (message: SandboxMessage) => buttonsOf(message).some((one) => one.action_id === gateActions.approve);
const closedOne = (message: SandboxMessage | undefined) => message && !hasButtons(message) && message;

/** The same message with other values at its buttons. */
function withButtons(message: SandboxMessage, change: (value: ButtonValue) => unknown): SandboxMessage {
  const copy = structuredClone(message);
  for (const button of buttonsOf(copy))
    if (button.value !== undefined) button.value = JSON.stringify(change(JSON.parse(button.value) as ButtonValue));
  return copy;
}

function inputsAsked(message: SandboxMessage): unknown {
  const approve = buttonsOf(message).find((one) => one.action_id === gateActions.approve);
  return (JSON.parse(approve?.value ?? "{}") as ButtonValue)["i"];
}

const words: Record<Exclude<ReceiptKind, "pending">, RegExp> = {
  duplicate: /is on record already/,
  accepted: /^Your (approval|rejection|request for changes|escalation) (is on record|was accepted and is durable)/,
  "already-voted": /withdraw that first|counts once/,
  superseded: /^This request was replaced by/,
  expired: /^The deadline of/,
  "already-decided": /^This gate was closed/,
  stale: /The digest is not the one of|is being renewed/,
  self: /so somebody else must decide/,
  "not-allowed":
    /^Only .* decide on this gate|joined .* after this gate opened|bars .* from this gate|unknown or was deactivated|may not see it|does not count/,
  invalid: /This is no valid decision|names no further group/,
};

/** What a private sentence says: the receipt by its own words; `pending` where it says that it is not known yet. */
function receiptIn(sentence: string): ReceiptKind | null {
  if (/not known yet|it is being put on record/.test(sentence)) return "pending";
  return receiptKinds.find((kind) => kind !== "pending" && words[kind].test(sentence)) ?? null;
}

/** What says neither is a refusal: nothing was taken. */
function replyOf(sentence: string): Reply {
  const receipt = receiptIn(sentence);
  return { receipt, refused: receipt === null || receiptStatus[receipt] >= 400, text: sentence };
}

/** The view that took the place of a form, once it says how it went. */
function isFinal(view: SandboxView | null): SandboxView | false {
  return view !== null && !("submit" in view.view) && !/it is being put on record/.test(wordsOf(view)) && view;
}

function wordsOf({ view }: SandboxView): string {
  return view.blocks.map((block) => (block.type === "section" ? (block.text?.text ?? "") : "")).join(" ");
}

function namesDecider(message: SandboxMessage | undefined, who: string): boolean {
  return new RegExp(`\\b(by ${who} \\(slack\\)|${who} (approved|rejected|asked for changes))`).test(
    `${message?.text} ${JSON.stringify(message?.blocks ?? [])}`,
  );
}

const begins: Partial<Record<Resolution, string>> = {
  approved: "Approved",
  rejected: "Rejected",
  "changes-requested": "Changes requested",
  expired: "Expired",
  superseded: "Superseded",
};

function shownIn(message: SandboxMessage): Shown {
  const text = `${message.text} ${JSON.stringify(message.blocks)}`;
  if (hasButtons(message)) return { state: "open", resolution: null, offers: true, text };
  const found = Object.entries(begins).find(([, begin]) => message.text.startsWith(begin));
  // The keys are resolutions.
  return { state: "closed", resolution: (found?.[0] ?? null) as Resolution | null, offers: false, text };
}

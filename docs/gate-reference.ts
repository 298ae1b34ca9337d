import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { attemptRules } from "../domain/attempt.ts";
import { errorCodes } from "../domain/errors.ts";
import { gateEvents, receiptStatus, type ReceiptKind } from "../domain/gate.ts";
import { points } from "../test/conformance/points.ts";

const page = new URL("gates.md", import.meta.url);

/** What keeps each point of conformance, by its number. */
const keptBy: Record<number, string> = {
  1: "the row's lock in the one transaction that closes; a decision is made when control signed it",
  2: "the closing cancels the timers; one that fires all the same finds a closed row",
  3: "all surfaces read the row; what is committed is told to open pages and messages",
  4: "an `Idempotency-Key` is one command; one standing vote a person, by a unique index",
  5: "only POST with a digest (and, in the console, a proof of its page) decides",
  6: "a body is checked whole before anything is accepted",
  7: "the same rules in control and again in the closing transaction",
  8: "a trigger refuses any change of a frozen request; asking anew is a new request",
  9: "membership held since the opening, read at the decision and again at the closing",
  10: "approvals are matched to groups, each to one place",
  11: "the rule is part of the frozen request",
  12: "keys belong to a gate, decisions to a digest",
  13: "messages go out by a queue of their own",
  14: "a signature over each command; what has none is put on record and counts nothing",
  15: "control answers from the row when the workflow is gone",
  16: "recorded histories replay on today's code",
  17: "control answers from PostgreSQL what it can settle, and lets a handful a gate through",
  18: "reasons are part of the form, checked in control, in the workflow and at the closing",
  19: "a resolution is a row that no reset changes; a run that finds it closed is told so",
  20: "ids are started with `REJECT_DUPLICATE`; a run that nobody froze a request for opens nothing",
  21: "a request is frozen before its workflow opens it; what arrives meanwhile waits for it",
  22: "control's signed time is compared, a second of grace for what is on its way; what is pending then is counted first",
  23: "each receipt has one HTTP status, and no refusal a 2xx",
};

const says: Record<ReceiptKind, string> = {
  accepted: "it is durable; `missing` says what the quorum still lacks",
  duplicate: "the same person again, the same way",
  pending: "not known in time; the answer says where to ask",
  invalid: "malformed, an input out of bounds, a reason missing: the field is named, the gate goes on waiting",
  "not-allowed": "in no group that may decide, barred, a machine, or joined after the opening",
  self: "contributed to it, and how",
  superseded: "the digest is an earlier request's; `supersededBy` names the new one",
  "already-decided": "closed by a decision: by whom, when, how",
  expired: "made after the deadline",
  stale: "the digest was never this gate's, or the evidence is being renewed",
  "already-voted": "the same person another way: withdraw first",
};

const onConditionAndRetiring = `## Approving on condition

Where the policy allows it, an approval names findings and a day for each by which they are closed. What was asked goes on at once.
The findings stand on the model's page with a form for those who may close them (not whoever the approval lets go on), and under
\`countersign findings\` and \`close-finding\`. One that is still open on its day ends the approval: what it let serve is taken out, and
the champion before serves again by itself.

## Retiring a model

Where the policy has a \`retirement\` gate the model stays as it is until that is approved; else \`countersign retire\` does it at once.
One transaction then does all of this, and the request says beforehand what it will be:

- whatever serves is taken out of service in every environment; a prediction that is asked for is refused (\`no-champion\`);
- releases under way end as \`withdrawn\` with the gates at which they wait, and their workflows are stopped;
- other requests about the model close as \`superseded\`, with the sentence why; votes that waited there are on record as not counted;
- findings are closed by it. A review of a break-glass stays open: what was done then is answered for all the same.

It is for ever: no release, definition, rollback or break-glass is taken any more. Versions, evidence, decisions and audit stay.`;

/** docs/gates.md, from the tables of `domain/`: `npm run docs` writes it, a test compares. */
export function gateReference(): string {
  const order = attemptRules.map(({ receipt }) => receipt);
  const settled = order.filter((receipt, index) => order.indexOf(receipt) === index);
  const receipts: ReceiptKind[] = [...settled, "accepted", "pending"];
  const receiptRows = receipts
    .map((receipt) => `| \`${receipt}\` | ${receiptStatus[receipt]} | ${says[receipt]} | ${cureOf(receipt)} |`)
    .join("\n");
  const eventRows = Object.entries(gateEvents)
    .map(
      ([event, { from, to, resolution, effects }]) =>
        `| \`${event}\` | ${from.join(", ")} | ${to}${resolution === null ? "" : `: \`${resolution}\``} | ${effects.join(", ") || "–"} |`,
    )
    .join("\n");
  return `# Gates

A gate asks people about a *subject* (its kind, id and digest) and waits. What it asks is a frozen request: the ask, the evidence,
the policy's version, who may decide and who may not, the deadline, and the SHA-256 over all of it. A decision is bound to that
digest. This page is generated from the tables that the workflow and the surfaces run on: \`npm run docs\`.

## States and events

| event | from | to | what follows |
|---|---|---|---|
${eventRows}

Time is part of the request: reminders, escalations, the deadline and the age after which the evidence is renewed. A decision is made
at the moment in which control signed it. One that was made before the deadline counts, whichever process is slow; one made
after it is \`expired\` where the policy rejects or approves then.

## Receipts

Each attempt gets one, on whatever surface, and is recorded. The first that applies is the answer, in this order; the same command
again is answered after \`invalid\` and before everything else.

| receipt | HTTP | when | what to do |
|---|---|---|---|
${receiptRows}

Before all of these: 401 without an identity, 404 where there is no such gate or no right to see it. The same \`Idempotency-Key\` with
the same body gets the first answer byte for byte. 503 with \`Retry-After\`: nothing was decided, try again with the same key.

Somebody who comes back while a gate is open may decide although a delegate decided in her name: hers counts in the place of the
delegate's, which stands on record as not counted.

${onConditionAndRetiring}

## For workflows of other people

Any Temporal workflow, in any language, can ask at a gate: as a child, or by name. \`examples/python-gate/\` does both.

| | |
|---|---|
| workflow type | \`gate\` |
| workflow id | \`gate/<gate>\`, where \`<gate>\` is \`ext.<client>.<id>\`: the client's name in small letters, digits and \`-\`, the id in letters, digits, \`-\` and \`_\` |
| task queue | \`lifecycle\` |
| start it with | reuse policy \`REJECT_DUPLICATE\`: one id is one request, and an id that was taken fails the start; parent close policy \`ABANDON\` |
| input | \`{ "gate": "ext.…", "external": { "policy", "rule", "subject": { "kind", "id", "digest" }, "ask", "why", "details"?: [{ "title", "text" }], "contributors"?: [{ "principal", "how" }] } }\` |
| \`policy\`, \`rule\` | a published policy and one of its \`external\` gates; the newest version applies and is pinned. Who decides, until when and what happens then stands there |
| \`subject\` | what it says it is, with the digest of its bytes (\`sha256:\` and 64 hex digits). The product's own kinds are refused: approving one of them has effects |
| \`contributors\` | principals who stand behind it and may not decide |
| result | \`{ "gate", "resolution", "outcome": { "by", "at", "reason", "inputs", "conditions" } }\`; \`resolution\` is one of those above, or null when no request was ever frozen. The row of the gate in the database is the proof |
| failure | of type \`invalid\`, with a sentence that names the field |
| query \`state\` | \`{ "state", "digest", "votes", "waitsFor" }\` |
| update \`decide\` | a decision with Countersign's token, as control signs it; its id is the command's id. Answers \`{ "accepted": true, "missing" }\` |
| update \`withdraw\` | takes a decision back, with a token |
| signal \`decide-by-signal\` | either of them, for clients that cannot send updates |
| signal \`look\` | looks at the row again; carries nothing |

A message without a valid token is refused and put on record: whoever reaches Temporal can ask, and cannot answer. People decide on
the API, the CLI, the console or in Slack. A request that nobody can complete says so at once (\`undecidable\`) and tells the policy's
owner. A gate whose workflow is terminated while it is open is closed as \`superseded\`; its starter learns of it from Temporal and asks
under another id.

${whatCannotHappen()}`;
}

function whatCannotHappen(): string {
  const pointRows = points.map(({ number, holds }) => `| ${number} | ${holds} | ${keptBy[number] ?? ""} |`).join("\n");
  return `## What cannot happen here

Twenty-three bugs that other products had. Each is a point: a sentence, and a function that makes real attempts on a surface
(the API, the command line, the console's forms, a real browser, Slack) and looks at what the answer, the page, the database and Temporal
say then. They are written against an adapter, so that a further surface is one file (\`test/conformance/README.md\`).

\`npm run conformance\` runs every point on every surface and prints a table of what holds, with a real PostgreSQL and a real
Temporal server and nothing to set up; \`npm run conformance -- --long\` adds three hundred long random sequences with crashes, the
whole matrix of decision × state × person × digest, and thirteen of these bugs planted into the product, each of which a point must
catch. \`npm test\` shows what lies beneath the surfaces on the API alone.

| | holds | kept by |
|---|---|---|
${pointRows}
`;
}

function cureOf(receipt: ReceiptKind): string {
  return receipt in errorCodes ? errorCodes[receipt as keyof typeof errorCodes].cure : "–";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(page, gateReference());

import type { types } from "@slack/bolt";
import type { DecisionKind } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { GateInput } from "../../domain/policy.ts";
import { stages } from "../../domain/stages.ts";
import type { UnblockAction } from "../../domain/signed-command.ts";
import { section, type Block, type View } from "./blocks.ts";
import { clip, limits, plain } from "./text.ts";

/** The callback ids of the forms. */
export const forms = { decide: "decide", unblock: "unblock", release: "request-release", rollback: "rollback" } as const;

/** What a form carries to its submission. */
export type FormFacts =
  | { form: "decide"; gate: string; digest: string; decision: DecisionKind; seen: Digest | null; key: string }
  | { form: "unblock"; release: string; action: UnblockAction; key: string }
  | { form: "request-release" | "rollback"; model: string; key: string };

/** Facts of a form that came back, or null when they are not what this room wrote. */
export function readFacts(text: string): FormFacts | null {
  try {
    const facts = JSON.parse(text) as FormFacts;
    return typeof facts.form === "string" && typeof facts.key === "string" ? facts : null;
  } catch {
    return null;
  }
}

const decisionTitles: Record<DecisionKind, string> = {
  approve: "Approve",
  reject: "Reject",
  "request-changes": "Request changes",
  escalate: "Escalate",
};

export interface DecisionFormOf {
  gate: string;
  digest: string;
  ask: string;
  subject: string;
  decision: DecisionKind;
  inputs: GateInput[];
  /** Where the approval is to hang on findings: until when they may be open at most. */
  conditionsUntil: string | null;
  /** Of what was clicked on. */
  seen: Digest | null;
  key: string;
}

/** What a decision needs besides the click: a reason; inputs of the policy; what it hangs on; with a request for changes where to go back to and what to change. */
export function decisionForm(of: DecisionFormOf): View {
  const { gate, digest, decision, seen, key } = of;
  const asked = decision === "approve" ? of.inputs.slice(0, 40).map(inputBlock) : [];
  const conditions = decision === "approve" && of.conditionsUntil !== null ? conditionBlocks(of.conditionsUntil) : [];
  const changes = decision === "request-changes" ? changeBlocks() : [];
  const isRequired = decision !== "approve";
  return form(
    { form: "decide", gate, digest, decision, seen, key },
    {
      title: conditions.length > 0 ? "Approve on condition" : decisionTitles[decision],
      blocks: [
        section(`*${plain(of.ask, 300)}*\n${plain(of.subject, 200)}`),
        ...asked,
        ...conditions,
        reasonBlock("Reason", isRequired),
        ...changes,
      ],
    },
  );
}

const unblockTitles: Record<UnblockAction, string> = { retry: "Retry", skip: "Skip the stage", abandon: "Abandon" };

export function unblockForm(of: {
  release: string;
  action: UnblockAction;
  withChanges: boolean;
  message: string;
  key: string;
}): View {
  const { release, action, withChanges, message, key } = of;
  return form(
    { form: "unblock", release, action, key },
    {
      title: withChanges ? "Retry with changes" : unblockTitles[action],
      blocks: [
        section(`*${plain(release, 80)}*\n${plain(message, 1_000)}`),
        reasonBlock("Reason", true),
        ...(withChanges ? [parametersBlock("What to change")] : []),
      ],
    },
  );
}

export function modelForm(of: { form: "request-release" | "rollback"; model: string; text: string; key: string }): View {
  const { model, text, key } = of;
  return form(
    { form: of.form, model, key },
    { title: of.form === "rollback" ? "Roll back" : "Start a release", blocks: [section(text), reasonBlock("Reason", true)] },
  );
}

/** A sentence for one person, in place of a form or where there is nowhere else to say it. */
export function sentenceView(title: string, sentence: string): View {
  return {
    type: "modal",
    title: { type: "plain_text", text: clip(title, limits.modalTitleChars), emoji: false },
    close: { type: "plain_text", text: "Close" },
    blocks: [section(sentence)],
  };
}

function form(facts: FormFacts, { title, blocks }: { title: string; blocks: Block[] }): View {
  return {
    type: "modal",
    callback_id: facts.form,
    private_metadata: JSON.stringify(facts),
    title: { type: "plain_text", text: clip(title, limits.modalTitleChars), emoji: false },
    submit: { type: "plain_text", text: clip(title, limits.modalTitleChars), emoji: false },
    close: { type: "plain_text", text: "Cancel" },
    blocks,
  };
}

function reasonBlock(label: string, isRequired: boolean): Block {
  return {
    type: "input",
    block_id: "reason",
    optional: !isRequired,
    label: { type: "plain_text", text: label },
    element: { type: "plain_text_input", action_id: "value", multiline: true, max_length: 2_000 },
  };
}

function parametersBlock(label: string): Block {
  return {
    type: "input",
    block_id: "parameters",
    optional: true,
    label: { type: "plain_text", text: label },
    hint: { type: "plain_text", text: "One a line: seed = 7, months = 12, limits.memoryMb = 4000, train.l2 = 3" },
    element: { type: "plain_text_input", action_id: "value", multiline: true, max_length: 2_000 },
  };
}

function changeBlocks(): Block[] {
  return [
    {
      type: "input",
      block_id: "returnTo",
      optional: true,
      label: { type: "plain_text", text: "Back to the stage" },
      element: {
        type: "static_select",
        action_id: "value",
        options: stages.slice(0, 5).map((stage) => ({ text: { type: "plain_text", text: stage }, value: stage })),
      },
    },
    parametersBlock("What the next release should change"),
  ];
}

/** As many as the console's form has; more can be named through the API. */
export const conditionRows = 3;

/** What has to be closed, and by when, so that the approval goes on holding. The first is needed. */
function conditionBlocks(until: string): Block[] {
  return Array.from({ length: conditionRows }, (_, row) => row).flatMap((row): Block[] => [
    {
      type: "input",
      block_id: `conditions.${row}.finding`,
      optional: row > 0,
      label: { type: "plain_text", text: row === 0 ? "Has to be closed" : "Besides" },
      ...(row === 0 && { hint: { type: "plain_text", text: "The id of an open finding, or in words what is to be closed" } }),
      element: { type: "plain_text_input", action_id: "value", max_length: 200 },
    },
    {
      type: "input",
      block_id: `conditions.${row}.by`,
      optional: row > 0,
      label: { type: "plain_text", text: "Until the end of (UTC)" },
      ...(row === 0 && {
        hint: { type: "plain_text", text: `At the latest ${until.slice(0, 10)}; open then, the approval lapses by itself` },
      }),
      element: { type: "datepicker", action_id: "value" },
    },
  ]);
}

/** A block an input of the policy; its id says which. */
function inputBlock(input: GateInput): types.InputBlock {
  return {
    type: "input",
    block_id: clip(`input.${input.name}`, 255),
    optional: input.required !== true,
    label: { type: "plain_text", text: clip(input.title || input.name, 150), emoji: false },
    ...((input.type === "number" || input.type === "integer") && {
      hint: {
        type: "plain_text" as const,
        text: `${input.min} to ${input.max}${input.type === "integer" ? ", a whole number" : ""}`,
      },
    }),
    element: inputElement(input),
  };
}

function inputElement(input: GateInput): types.InputBlock["element"] {
  switch (input.type) {
    case "number":
    case "integer":
      return {
        type: "number_input",
        action_id: "value",
        is_decimal_allowed: input.type === "number",
        min_value: decimal(input.min),
        max_value: decimal(input.max),
        ...(input.default !== undefined && { initial_value: decimal(input.default) }),
      };
    case "choice":
      return choice(input.options, input.default);
    case "boolean":
      return choice(["yes", "no"], input.default === undefined ? undefined : input.default ? "yes" : "no");
    case "text":
      return {
        type: "plain_text_input",
        action_id: "value",
        max_length: Math.min(input.maxLength, 3_000),
        ...(input.default !== undefined && { initial_value: input.default }),
      };
  }
}

/** Slack reads no exponents: 1e-7 as 0.0000001. */
function decimal(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(20).replace(/\.?0+$/, "") : text;
}

/** A select has 100 options of 75 characters; the value is the whole word. */
function choice(words: string[], preset: string | undefined): types.StaticSelect {
  const options = words.slice(0, 100).map((word) => ({
    text: { type: "plain_text" as const, text: clip(word, limits.optionChars), emoji: false },
    value: clip(word, 150),
  }));
  const initial = options.find((option) => option.value === preset);
  return { type: "static_select", action_id: "value", options, ...(initial && { initial_option: initial }) };
}

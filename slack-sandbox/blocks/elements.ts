import { z } from "zod";
import {
  confirmation,
  identifier,
  link,
  optionGroup,
  placeholder,
  plainOption,
  plainText,
  richOption,
  style,
  type Option,
} from "./text.ts";

/** The interactive elements of Block Kit, each as strict as Slack takes it. */
const actionable = { action_id: identifier.optional(), confirm: confirmation.optional() };
const focusable = { focus_on_load: z.boolean().optional() };
const held = { placeholder: placeholder.optional() };

const button = z.strictObject({
  type: z.literal("button"),
  text: plainText(75),
  value: z.string().max(2_000).optional(),
  url: link.optional(),
  style: style.optional(),
  accessibility_label: z.string().min(1).max(75).optional(),
  ...actionable,
});

const menuOptions = {
  options: z.array(plainOption).min(1).max(100).optional(),
  option_groups: z.array(optionGroup).min(1).max(100).optional(),
};

interface MenuShape {
  options?: Option[] | undefined;
  option_groups?: { options: Option[] }[] | undefined;
}

const optional = (one: Option | undefined): Option[] => (one === undefined ? [] : [one]);

const sameOption = (one: Option, other: Option) => one.value === other.value && one.text.text === other.text.text;

/** Slack wants what is chosen at first to be, letter by letter, one of the options. */
function firstChosen(menu: MenuShape, initial: { options: Option[]; field: string }, context: z.core.$RefinementCtx): void {
  const { options: first, field } = initial;
  const all = [...(menu.options ?? []), ...(menu.option_groups ?? []).flatMap((group) => group.options)];
  if (first.some((one) => !all.some((other) => sameOption(one, other))))
    context.addIssue({ code: "custom", path: [field], message: `${field} must be among the provided options` });
  const values = all.map((one) => one.value);
  if (new Set(values).size !== values.length)
    context.addIssue({ code: "custom", path: ["options"], message: "option values must be unique" });
}

function oneKindOfOptions(menu: MenuShape, context: z.core.$RefinementCtx): void {
  if ((menu.options === undefined) === (menu.option_groups === undefined))
    context.addIssue({ code: "custom", message: "must define either `options` or `option_groups`" });
}

const staticSelect = z
  .strictObject({
    type: z.literal("static_select"),
    ...menuOptions,
    initial_option: plainOption.optional(),
    ...actionable,
    ...focusable,
    ...held,
  })
  .superRefine((menu, context) => {
    oneKindOfOptions(menu, context);
    firstChosen(menu, { options: optional(menu.initial_option), field: "initial_option" }, context);
  });

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "must match format YYYY-MM-DD");

const datepicker = z.strictObject({
  type: z.literal("datepicker"),
  initial_date: date.optional(),
  ...actionable,
  ...focusable,
  ...held,
});

const checkboxes = z
  .strictObject({
    type: z.literal("checkboxes"),
    options: z.array(richOption).min(1).max(10),
    initial_options: z.array(richOption).min(1).max(10).optional(),
    ...actionable,
    ...focusable,
  })
  .superRefine((boxes, context) =>
    firstChosen(boxes, { options: boxes.initial_options ?? [], field: "initial_options" }, context),
  );

const radioButtons = z
  .strictObject({
    type: z.literal("radio_buttons"),
    options: z.array(richOption).min(1).max(10),
    initial_option: richOption.optional(),
    ...actionable,
    ...focusable,
  })
  .superRefine((radios, context) =>
    firstChosen(radios, { options: optional(radios.initial_option), field: "initial_option" }, context),
  );

const dispatch = {
  dispatch_action_config: z
    .strictObject({
      trigger_actions_on: z
        .array(z.enum(["on_enter_pressed", "on_character_entered"]))
        .min(1)
        .max(2),
    })
    .optional(),
};
const typed = { action_id: identifier.optional(), ...focusable, ...held, ...dispatch };

const plainTextInput = z
  .strictObject({
    type: z.literal("plain_text_input"),
    initial_value: z.string().max(3_000).optional(),
    multiline: z.boolean().optional(),
    min_length: z.int().min(0).max(3_000).optional(),
    max_length: z.int().min(1).max(3_000).optional(),
    ...typed,
  })
  .refine((input) => (input.min_length ?? 0) <= (input.max_length ?? 3_000), {
    message: "min_length must not be greater than max_length",
  });

const numberText = z.string().regex(/^-?\d+(\.\d+)?$/, "must be a number as a string");

const numberInput = z
  .strictObject({
    type: z.literal("number_input"),
    is_decimal_allowed: z.boolean(),
    initial_value: numberText.optional(),
    min_value: numberText.optional(),
    max_value: numberText.optional(),
    ...typed,
  })
  .refine((input) => Number(input.min_value ?? "-Infinity") <= Number(input.max_value ?? "Infinity"), {
    message: "min_value must not be greater than max_value",
  });

const slackFile = z.union([z.strictObject({ id: z.string().min(1) }), z.strictObject({ url: z.url() })]);
export const imageSource = { image_url: z.url().max(3_000).optional(), slack_file: slackFile.optional() };

/** Exactly one of the two sources. */
export function oneSource(image: { image_url?: unknown; slack_file?: unknown }, context: z.core.$RefinementCtx): void {
  if ((image.image_url === undefined) === (image.slack_file === undefined))
    context.addIssue({ code: "custom", message: "must define either `image_url` or `slack_file`" });
}

export const imageElement = z
  .strictObject({ type: z.literal("image"), alt_text: z.string().min(1).max(2_000), ...imageSource })
  .superRefine(oneSource);

const chosenInPlace = [button, staticSelect, datepicker, checkboxes, radioButtons] as const;

export const actionsElement = z.discriminatedUnion("type", chosenInPlace);
export const accessory = z.discriminatedUnion("type", [...chosenInPlace, imageElement]);
export const inputElement = z.discriminatedUnion("type", [
  staticSelect,
  datepicker,
  checkboxes,
  radioButtons,
  plainTextInput,
  numberInput,
]);

export type Element = z.output<typeof actionsElement> | z.output<typeof accessory> | z.output<typeof inputElement>;
export type ImageElement = z.output<typeof imageElement>;

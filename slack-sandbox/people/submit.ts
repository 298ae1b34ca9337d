import { z } from "zod";
import type { Outcome } from "../delivery/outcome.ts";
import { readView } from "../web-api/methods/views.ts";
import { SlackError } from "../web-api/slack-error.ts";
import { makeView, replaceContent, topView } from "../workspace/views.ts";
import type { SandboxUser, SandboxView } from "../workspace/model.ts";
import { findUser, type Scene } from "./context.ts";
import { closing, submission } from "./payloads.ts";
import { formErrors, stateValues, type GivenValues } from "./values.ts";

export type SubmitOutcome = Outcome & { errors: Record<string, string> };

const nothingSent: Outcome = {
  ok: false,
  status: null,
  tookMs: 0,
  error: null,
  deliveryId: "",
  actionTs: null,
  triggerId: null,
  body: "",
};

/**
 * Submits the modal on top. What Slack's own form finds wrong is told without asking the app;
 * else the app's answer decides: closed, errors at fields, another view, or Slack's error mark.
 */
export async function submitView(scene: Scene, { as, values }: { as: string; values: GivenValues }): Promise<SubmitOutcome> {
  const { workspace, triggers, deliverer } = scene;
  const user = findUser(workspace, as);
  const view = topView(workspace, user.id);
  if (view === null) throw new Error(`${as} has no form open.`);
  const state = stateValues(view.view.blocks, values);
  Object.assign(view, { errors: formErrors(view.view.blocks, state), trouble: false });
  workspace.touched();
  if (Object.keys(view.errors).length > 0) return { ...nothingSent, errors: view.errors };
  const triggerId = triggers.make(user.id, true);
  const sent = await deliverer.send({ kind: "view_submission", payload: submission(view, { user, triggerId, state }) });
  if (sent.ok) obey(scene, view, sent.body);
  else view.trouble = true;
  workspace.touched();
  return { ...sent, triggerId, errors: view.errors };
}

const answerSchema = z.discriminatedUnion("response_action", [
  z.object({ response_action: z.literal("errors"), errors: z.record(z.string(), z.string().min(1)) }),
  z.object({ response_action: z.literal("update"), view: z.unknown() }),
  z.object({ response_action: z.literal("push"), view: z.unknown() }),
  z.object({ response_action: z.literal("clear") }),
]);

/** Does what the acknowledgement of a submission says; what Slack would not take is the person's error mark and a complaint. */
function obey(scene: Scene, view: SandboxView, body: string): void {
  if (body.trim() === "" || body.trim() === "{}") return pop(scene, view);
  const refuse = (why: string) => {
    view.trouble = true;
    scene.complain(`view_submission: ${why}`);
  };
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return refuse(`the acknowledgement's body is neither empty nor JSON: ${body.slice(0, 80)}`);
  }
  const parsed = answerSchema.safeParse(given);
  if (!parsed.success) return refuse(`no such response_action: ${body.slice(0, 200)}`);
  const answer = parsed.data;
  if (answer.response_action === "clear") return clear(scene, view.user);
  if (answer.response_action === "errors") {
    const inputs = new Set(view.view.blocks.flatMap((block) => (block.type === "input" ? [block.block_id] : [])));
    const stray = Object.keys(answer.errors).filter((id) => !inputs.has(id));
    if (stray.length > 0) return refuse(`errors for what is no input block: ${stray.join(", ")}`);
    view.errors = answer.errors;
    return undefined;
  }
  return show(scene, { view, given: answer.view, isPush: answer.response_action === "push", refuse });
}

function show(
  scene: Scene,
  { view, given, isPush, refuse }: { view: SandboxView; given: unknown; isPush: boolean; refuse: (why: string) => void },
): void {
  try {
    const content = readView(scene.workspace, given, "modal");
    if (!isPush) return replaceContent(scene.workspace, view, content);
    const below = scene.workspace.modals.get(view.user) ?? [];
    if (below.length >= 3) return refuse("push_limit_reached");
    scene.workspace.modals.set(view.user, [...below, makeView(scene.workspace, { user: view.user, view: content, below })]);
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    refuse(`${error.code}: ${JSON.stringify(error.extra["errors"] ?? "")}`);
  }
}

function pop(scene: Scene, view: SandboxView): void {
  const left = (scene.workspace.modals.get(view.user) ?? []).filter((one) => one !== view);
  if (left.length === 0) clear(scene, view.user);
  else scene.workspace.modals.set(view.user, left);
}

function clear(scene: Scene, user: string): void {
  scene.workspace.modals.delete(user);
}

/** Closes the modal on top; the app hears of it if it asked to. */
export async function closeView(scene: Scene, { as }: { as: string }): Promise<Outcome> {
  const user: SandboxUser = findUser(scene.workspace, as);
  const view = topView(scene.workspace, user.id);
  if (view === null) throw new Error(`${as} has no form open.`);
  const { view: content } = view;
  const isCleared = content.type === "modal" && content.clear_on_close === true;
  if (isCleared) clear(scene, user.id);
  else pop(scene, view);
  scene.workspace.touched();
  if (content.type !== "modal" || content.notify_on_close !== true) return { ...nothingSent, ok: true };
  return scene.deliverer.send({ kind: "view_closed", payload: closing(view, user, isCleared) });
}

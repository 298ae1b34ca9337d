import { z } from "zod";
import { checkView } from "../../blocks/check.ts";
import { maxViewBytes, type AnyView } from "../../blocks/views.ts";
import { makeView, openViews, replaceContent } from "../../workspace/views.ts";
import type { SandboxView } from "../../workspace/model.ts";
import type { Trigger } from "../../delivery/triggers.ts";
import type { Workspace } from "../../workspace/workspace.ts";
import { hasFile } from "../content.ts";
import { defineMethod, structure, type Api } from "../method.ts";
import { viewShape } from "../shapes.ts";
import { SlackError, withMessages } from "../slack-error.ts";

/** Slack stacks three views at most. */
const maxStack = 3;

const viewArg = { view: structure };

/**
 * A view as Slack takes it.
 * @throws SlackError `invalid_arguments` with what is wrong, `view_too_large`
 */
export function readView(workspace: Workspace, given: unknown, type: "modal" | "home"): AnyView {
  if (typeof given !== "object" || given === null)
    throw withMessages("invalid_arguments", ["must provide an object [json-pointer:/view]"]);
  if (Buffer.byteLength(JSON.stringify(given)) > maxViewBytes) throw new SlackError("view_too_large");
  const faults = checkView(given, { hasFile: hasFile(workspace) });
  if ("type" in given && given.type !== type) faults.push(`must be of type ${type} [json-pointer:/view/type]`);
  if (faults.length > 0) throw withMessages("invalid_arguments", faults);
  // Checked in the lines above.
  return given as AnyView;
}

function noneOther(api: Api, view: AnyView, self?: SandboxView): void {
  const { external_id: id } = view;
  if (id === undefined || id === "") return;
  if (openViews(api.workspace).some((one) => one !== self && one.view.external_id === id))
    throw new SlackError("duplicate_external_id");
}

function readTrigger(api: Api, given: string): Trigger {
  const trigger = api.triggers.look(given);
  if (typeof trigger === "string") throw new SlackError(trigger);
  return trigger;
}

const triggerArgs = { trigger_id: z.string().optional(), interactivity_pointer: z.string().optional() };
const triggerOf = (args: { trigger_id?: string | undefined; interactivity_pointer?: string | undefined }) => {
  const id = args.trigger_id ?? args.interactivity_pointer;
  if (id === undefined) throw withMessages("invalid_arguments", ["missing required field: trigger_id"]);
  return id;
};

const open = defineMethod({
  tier: 4,
  scopes: [],
  args: z.object({ ...triggerArgs, ...viewArg }),
  run(api, args) {
    const id = triggerOf(args);
    const trigger = readTrigger(api, id);
    const view = readView(api.workspace, args.view, "modal");
    noneOther(api, view);
    api.triggers.use(id);
    const made = makeView(api.workspace, { user: trigger.user, view, below: [] });
    api.workspace.modals.set(trigger.user, [made]);
    api.workspace.touched();
    return { view: viewShape(made) };
  },
});

const push = defineMethod({
  tier: 4,
  scopes: [],
  args: z.object({ ...triggerArgs, ...viewArg }),
  run(api, args) {
    const id = triggerOf(args);
    const trigger = readTrigger(api, id);
    const below = api.workspace.modals.get(trigger.user) ?? [];
    if (!trigger.fromModal || below.length === 0) throw new SlackError("invalid_trigger_id");
    if (below.length >= maxStack) throw new SlackError("push_limit_reached");
    const view = readView(api.workspace, args.view, "modal");
    noneOther(api, view);
    api.triggers.use(id);
    const made = makeView(api.workspace, { user: trigger.user, view, below });
    api.workspace.modals.set(trigger.user, [...below, made]);
    api.workspace.touched();
    return { view: viewShape(made) };
  },
});

const update = defineMethod({
  tier: 4,
  scopes: [],
  args: z.object({ view_id: z.string().optional(), external_id: z.string().optional(), hash: z.string().optional(), ...viewArg }),
  run(api, args) {
    if (args.view_id === undefined && args.external_id === undefined)
      throw withMessages("invalid_arguments", ["must define either `view_id` or `external_id`"]);
    const found = openViews(api.workspace).find((one) =>
      args.view_id === undefined ? one.view.external_id === args.external_id : one.id === args.view_id,
    );
    if (found === undefined) throw new SlackError("not_found");
    if (args.hash !== undefined && args.hash !== "" && args.hash !== found.hash) throw new SlackError("hash_conflict");
    const view = readView(api.workspace, args.view, found.view.type);
    noneOther(api, view, found);
    replaceContent(api.workspace, found, view);
    api.workspace.changed();
    return { view: viewShape(found) };
  },
});

const publish = defineMethod({
  tier: 4,
  scopes: [],
  args: z.object({ user_id: z.string().min(1), hash: z.string().optional(), ...viewArg }),
  run(api, args) {
    const { workspace } = api;
    const user = workspace.user(args.user_id);
    if (user === undefined || user.deleted)
      throw withMessages("invalid_arguments", ["invalid `user_id` [json-pointer:/user_id]"]);
    const view = readView(workspace, args.view, "home");
    const old = workspace.state.homes.find((one) => one.user === args.user_id);
    if (args.hash !== undefined && args.hash !== "" && args.hash !== old?.hash) throw new SlackError("hash_conflict");
    noneOther(api, view, old);
    if (old !== undefined) replaceContent(workspace, old, view);
    else workspace.state.homes.push(makeView(workspace, { user: args.user_id, view, below: [] }));
    workspace.changed();
    const shown = workspace.state.homes.find((one) => one.user === args.user_id);
    return shown === undefined ? {} : { view: viewShape(shown) };
  },
});

export const viewMethods = { "views.open": open, "views.push": push, "views.update": update, "views.publish": publish };

import type { Outcome } from "../delivery/outcome.ts";
import { topView } from "../workspace/views.ts";
import type { SandboxMessage, SandboxView } from "../workspace/model.ts";
import { markKey } from "../workspace/workspace.ts";
import { findChannel, findElement, findUser, type Scene } from "./context.ts";
import { messageClick, viewClick } from "./payloads.ts";
import { stateValues, type Given, type GivenValues } from "./values.ts";

export interface MessageClick {
  as: string;
  channel: string;
  ts: string;
  actionId: string;
  blockId?: string | undefined;
  /** For anything but a button: what is chosen. */
  selected?: Given;
  /** What other elements of the message hold. */
  values?: GivenValues;
  /** The message as this person still sees it, where it has changed or gone since. */
  asSeen?: SandboxMessage;
}

/** Seconds with six digits, as `action_ts` is. */
const momentOf = (scene: Scene) => scene.workspace.nextTs();

/** A click in a message. @throws when there is nothing to click on */
export async function clickMessage(scene: Scene, click: MessageClick): Promise<Outcome> {
  const { workspace } = scene;
  const user = findUser(workspace, click.as);
  const channel = findChannel(workspace, click.channel);
  const message = click.asSeen ?? workspace.message({ channel: channel.id, ts: click.ts });
  if (message === undefined) throw new Error(`There is no message ${click.ts} in ${click.channel}.`);
  if (!user.deleted && !channel.members.includes(user.id)) throw new Error(`${user.name} is not in ${click.channel}.`);
  if (message.ephemeral_for !== null && message.ephemeral_for !== user.id)
    throw new Error(`${user.name} does not see this message.`);
  const blocks = message.blocks ?? [];
  const { element, blockId } = findElement(blocks, click);
  const actionTs = momentOf(scene);
  const triggerId = scene.triggers.make(user.id);
  const given = click.selected ?? null;
  const payload = messageClick(workspace, {
    user,
    channel,
    message,
    element,
    blockId,
    actionTs,
    triggerId,
    given,
    state: stateValues(blocks, {
      ...click.values,
      ...(click.selected === undefined ? {} : { [click.actionId]: click.selected }),
    }),
    responseUrl: scene.responseUrls.make(
      {
        user: user.id,
        channel: channel.id,
        threadTs: message.thread_ts,
        original: { channel: channel.id, ts: message.ts },
        triggerId,
      },
      "actions",
    ),
  });
  const sent = await send(scene, { payload, actionId: click.actionId, key: markKey(user.id, `${channel.id} ${message.ts}`) });
  return { ...sent, actionTs, triggerId };
}

/** Sends a click; meanwhile the person sees that it is under way, and afterwards whether the app was silent. */
async function send(
  { workspace, deliverer }: Scene,
  { payload, actionId, key }: { payload: Record<string, unknown>; actionId: string; key: string },
): Promise<Outcome> {
  workspace.marks.set(key, { actionId, state: "working" });
  workspace.touched();
  const sent = await deliverer.send({ kind: "block_actions", payload });
  if (sent.ok) workspace.marks.delete(key);
  else workspace.marks.set(key, { actionId, state: "failed" });
  workspace.touched();
  return sent;
}

export interface ViewClick {
  as: string;
  actionId: string;
  blockId?: string | undefined;
  selected?: Given;
  values?: GivenValues;
}

async function clickIn(scene: Scene, view: SandboxView, click: ViewClick): Promise<Outcome> {
  const user = findUser(scene.workspace, click.as);
  const { blocks } = view.view;
  const { element, blockId } = findElement(blocks, click);
  const actionTs = momentOf(scene);
  const triggerId = scene.triggers.make(user.id, view.view.type === "modal");
  const payload = viewClick({
    user,
    view,
    element,
    blockId,
    actionTs,
    triggerId,
    given: click.selected ?? null,
    state: stateValues(blocks, {
      ...click.values,
      ...(click.selected === undefined ? {} : { [click.actionId]: click.selected }),
    }),
  });
  return { ...(await send(scene, { payload, actionId: click.actionId, key: markKey(user.id, view.id) })), actionTs, triggerId };
}

/** A click in the home tab. @throws when the app published none, or not this element */
export async function clickHome(scene: Scene, click: ViewClick): Promise<Outcome> {
  const { id } = findUser(scene.workspace, click.as);
  const home = scene.workspace.state.homes.find((view) => view.user === id);
  if (home === undefined) throw new Error(`${click.as} has no home tab yet.`);
  return clickIn(scene, home, click);
}

/** A click in the modal on top. @throws when none is open */
export async function clickView(scene: Scene, click: ViewClick): Promise<Outcome> {
  const view = topView(scene.workspace, findUser(scene.workspace, click.as).id);
  if (view === null) throw new Error(`${click.as} has no form open.`);
  return clickIn(scene, view, click);
}

import type { Block } from "../blocks/blocks.ts";
import type { Element } from "../blocks/elements.ts";
import { elementsOf } from "../blocks/walk.ts";
import type { Deliverer } from "../delivery/delivery.ts";
import type { ResponseUrls } from "../delivery/response-urls.ts";
import type { Triggers } from "../delivery/triggers.ts";
import type { SandboxChannel, SandboxUser } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** What people act on. */
export interface Scene {
  workspace: Workspace;
  deliverer: Deliverer;
  triggers: Triggers;
  responseUrls: ResponseUrls;
  complain: (sentence: string) => void;
}

/** By name or id. */
export function findUser(workspace: Workspace, who: string): SandboxUser {
  const found = workspace.state.users.find((user) => user.id === who || user.name === who);
  if (found === undefined) throw new Error(`Nobody in the sandbox is ${who}.`);
  return found;
}

/** By name or id; a direct conversation by its id. */
export function findChannel(workspace: Workspace, which: string): SandboxChannel {
  const name = which.replace(/^#/, "");
  const found = workspace.state.channels.find(
    (channel) => channel.id === which || (channel.im === null && channel.name === name),
  );
  if (found === undefined) throw new Error(`The sandbox has no channel ${which}.`);
  return found;
}

/** The element with that action id, within a block if one is said. */
export function findElement(
  blocks: Block[],
  { actionId, blockId }: { actionId: string; blockId?: string | undefined },
): { element: Element; blockId: string } {
  const found = elementsOf(blocks).find(
    ({ element, block }) =>
      "action_id" in element && element.action_id === actionId && (blockId === undefined || block.block_id === blockId),
  );
  if (found === undefined) throw new Error(`There is no element with action_id ${actionId} to use.`);
  return { element: found.element, blockId: found.block.block_id ?? "" };
}

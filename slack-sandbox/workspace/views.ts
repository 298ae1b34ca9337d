import { randomBytes } from "node:crypto";
import type { AnyView } from "../blocks/views.ts";
import { filledBlocks } from "./fill.ts";
import type { SandboxView } from "./model.ts";
import type { Workspace } from "./workspace.ts";

const newHash = (now: number) => `${Math.floor(now / 1_000)}.${randomBytes(4).toString("hex")}`;

interface Opening {
  user: string;
  view: AnyView;
  /** Pushed upon these; empty for a new modal. */
  below: SandboxView[];
}

/** A view for somebody: checked before, ids given here. */
export function makeView(workspace: Workspace, { user, view, below }: Opening): SandboxView {
  const id = workspace.nextId("V");
  return {
    id,
    hash: newHash(workspace.now()),
    user,
    root_view_id: below[0]?.id ?? id,
    previous_view_id: below.at(-1)?.id ?? null,
    view: { ...view, blocks: filledBlocks(view.blocks) } as SandboxView["view"],
    errors: {},
    trouble: false,
  };
}

/** Other content for the same view; what was wrong with the old is forgotten. */
export function replaceContent(workspace: Workspace, old: SandboxView, view: AnyView): void {
  old.view = { ...view, blocks: filledBlocks(view.blocks) } as SandboxView["view"];
  old.hash = newHash(workspace.now());
  old.errors = {};
  old.trouble = false;
}

export function topView(workspace: Workspace, user: string): SandboxView | null {
  return workspace.modals.get(user)?.at(-1) ?? null;
}

/** Any view that is open, modal or home tab. */
export function openViews(workspace: Workspace): SandboxView[] {
  return [...[...workspace.modals.values()].flat(), ...workspace.state.homes];
}

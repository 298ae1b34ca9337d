import { z } from "zod";
import { checkBlocks } from "../blocks/check.ts";
import type { Block } from "../blocks/blocks.ts";
import { filledBlocks } from "../workspace/fill.ts";
import type { MessageMetadata } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { structure } from "./method.ts";
import { SlackError, withMessages } from "./slack-error.ts";

/** What a message says: the arguments that all ways of writing one have. */
export const contentArgs = {
  text: z.string().optional(),
  blocks: structure.optional(),
  attachments: structure.optional(),
  metadata: structure.optional(),
};

export interface GivenContent {
  text?: string | undefined;
  blocks?: unknown;
  attachments?: unknown;
  metadata?: unknown;
}

/** `undefined`: not said; `null`: said to be nothing. */
export interface Content {
  text: string | undefined;
  blocks: Block[] | null | undefined;
  attachments: unknown[] | null | undefined;
  metadata: MessageMetadata | null | undefined;
}

/** Slack cuts a new message there and refuses a longer edit of 4,000; the sandbox refuses both, so that it is noticed. */
const maxTextLength = 40_000;
export const maxEditedTextLength = 4_000;
const maxMetadataBytes = 16_000;

/** Reads and checks what a message is to say. */
export function readContent(workspace: Workspace, given: GivenContent): Content {
  if (given.text !== undefined && given.text.length > maxTextLength) throw new SlackError("msg_too_long");
  return {
    text: given.text,
    blocks: readBlocks(workspace, given.blocks),
    attachments: readAttachments(given.attachments),
    metadata: readMetadata(given.metadata),
  };
}

export function isEmpty({ text, blocks, attachments }: Content): boolean {
  return (text === undefined || text === "") && (blocks ?? []).length === 0 && (attachments ?? []).length === 0;
}

/** A file whose bytes came and whose upload was completed. */
export function hasFile(workspace: Workspace): (file: { id: string } | { url: string }) => boolean {
  return (file) =>
    workspace.state.files.some(
      (one) => one.completed && ("id" in file ? one.id === file.id : file.url.includes(`/files/${one.id}/`)),
    );
}

function readBlocks(workspace: Workspace, given: unknown): Block[] | null | undefined {
  if (given === undefined) return undefined;
  if (given === null || (Array.isArray(given) && given.length === 0)) return null;
  if (!Array.isArray(given)) throw new SlackError("invalid_blocks_format");
  const faults = checkBlocks(given, "message", { hasFile: hasFile(workspace) });
  if (faults.length > 0) throw withMessages("invalid_blocks", faults);
  // Checked in the line above.
  return filledBlocks(given as Block[]);
}

function readAttachments(given: unknown): unknown[] | null | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) throw new SlackError("invalid_attachments");
  if (given.length > 100) throw new SlackError("too_many_attachments");
  return given.length === 0 ? null : given;
}

const metadataSchema = z.strictObject({
  event_type: z.string().min(1),
  event_payload: z.record(z.string(), z.unknown()),
});

function readMetadata(given: unknown): MessageMetadata | null | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "object" && given !== null && Object.keys(given).length === 0) return null;
  const parsed = metadataSchema.safeParse(given);
  if (!parsed.success) throw new SlackError("invalid_metadata_format");
  if (Buffer.byteLength(JSON.stringify(given)) > maxMetadataBytes) throw new SlackError("metadata_too_large");
  return parsed.data;
}

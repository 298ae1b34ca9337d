import { randomBytes } from "node:crypto";
import { z } from "zod";
import { botId, botUserId } from "../../workspace/seed.ts";
import { readContent, contentArgs } from "../content.ts";
import { writableChannel } from "../channels.ts";
import { defineMethod, structure } from "../method.ts";
import { fileShape, messageShape } from "../shapes.ts";
import { SlackError, withMessages } from "../slack-error.ts";

/** An app's upload may be one gigabyte; the sandbox keeps bytes in its state and takes eight megabytes. */
export const maxFileBytes = 8 * 1024 * 1024;

const types: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  svg: "image/svg+xml",
  pdf: "application/pdf",
};

const getUploadUrl = defineMethod({
  tier: 4,
  scopes: ["files:write"],
  args: z.object({
    filename: z.string().min(1),
    length: z.coerce.number().int().min(1),
    alt_text: z.string().max(1_000).optional(),
    alt_txt: z.string().max(1_000).optional(),
    snippet_type: z.string().optional(),
  }),
  run(api, args) {
    if (args.length > maxFileBytes) throw new SlackError("file_upload_size_restricted");
    const { workspace } = api;
    const id = workspace.nextId("F");
    workspace.state.files.push({
      id,
      name: args.filename,
      title: args.filename,
      mimetype: types[args.filename.split(".").at(-1)?.toLowerCase() ?? ""] ?? "application/octet-stream",
      size: args.length,
      alt_text: args.alt_text ?? args.alt_txt ?? "",
      content: "",
      uploaded: false,
      completed: false,
      channels: [],
    });
    workspace.changed();
    return { upload_url: `${api.url}/upload/v1/${id}-${randomBytes(12).toString("hex")}`, file_id: id };
  },
});

const completed = z.array(z.object({ id: z.string().min(1), title: z.string().optional() })).min(1);

const completeUpload = defineMethod({
  tier: 4,
  scopes: ["files:write"],
  args: z.object({
    files: structure,
    channel_id: z.string().optional(),
    channels: z.string().optional(),
    initial_comment: z.string().optional(),
    thread_ts: z.string().optional(),
    blocks: contentArgs.blocks,
  }),
  run(api, args) {
    const { workspace } = api;
    const parsed = completed.safeParse(args.files);
    if (!parsed.success) throw withMessages("invalid_arguments", ["must provide an array of files [json-pointer:/files]"]);
    const files = parsed.data.map(({ id, title }) => {
      const file = workspace.file(id);
      if (file === undefined || !file.uploaded) throw new SlackError("file_not_found");
      return { file, title: title ?? file.title };
    });
    const channel = args.channel_id === undefined ? null : writableChannel(api, args.channel_id);
    const content = readContent(workspace, { text: args.initial_comment, blocks: args.blocks });
    for (const { file, title } of files) {
      Object.assign(file, { title, completed: true });
      if (channel !== null) file.channels.push(channel.id);
    }
    if (channel !== null)
      workspace.addMessage({
        channel: channel.id,
        user: botUserId,
        bot_id: botId,
        text: content.text ?? "",
        blocks: content.blocks ?? null,
        files: files.map(({ file }) => file.id),
        thread_ts: args.thread_ts ?? null,
      });
    workspace.changed();
    return { files: files.map(({ file }) => fileShape(file, api.url)) };
  },
});

const info = defineMethod({
  tier: 4,
  scopes: ["files:read"],
  args: z.object({ file: z.string().min(1) }),
  run(api, args) {
    const file = api.workspace.file(args.file);
    if (file === undefined) throw new SlackError("file_not_found");
    return { file: fileShape(file, api.url) };
  },
});

const addReaction = defineMethod({
  tier: 3,
  scopes: ["reactions:write"],
  args: z.object({
    channel: z.string().min(1),
    timestamp: z.string().min(1),
    name: z.string().regex(/^[a-z0-9_+'-]+$/, "invalid_name"),
  }),
  run(api, args) {
    const channel = writableChannel(api, args.channel);
    const message = api.workspace.message({ channel: channel.id, ts: args.timestamp });
    if (message === undefined || message.ephemeral_for !== null) throw new SlackError("message_not_found");
    const reaction = message.reactions.find((one) => one.name === args.name);
    if (reaction?.users.includes(botUserId) === true) throw new SlackError("already_reacted");
    if (reaction === undefined) message.reactions.push({ name: args.name, users: [botUserId] });
    else reaction.users.push(botUserId);
    api.workspace.changed();
    return { message: messageShape(api.workspace, message) };
  },
});

const openConnection = defineMethod({
  tier: 1,
  scopes: [],
  token: "app",
  args: z.object({}),
  run: (api) => ({ url: api.newSocketUrl() }),
});

export const otherMethods = {
  "files.getUploadURLExternal": getUploadUrl,
  "files.completeUploadExternal": completeUpload,
  "files.info": info,
  "reactions.add": addReaction,
  "apps.connections.open": openConnection,
};

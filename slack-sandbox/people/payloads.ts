import { randomBytes, randomUUID } from "node:crypto";
import type { Element } from "../blocks/elements.ts";
import { messageShape, viewShape } from "../web-api/shapes.ts";
import { appId, botUserId, teamDomain, teamId } from "../workspace/seed.ts";
import type { SandboxChannel, SandboxMessage, SandboxUser, SandboxView } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { stateOf, type Given, type StateValues } from "./values.ts";

/** The old way to verify requests; still in every payload and to be trusted by nobody. */
const verificationToken = randomBytes(12).toString("hex");

function base(user: SandboxUser): Record<string, unknown> {
  return {
    // In a shared channel the person is of another workspace than the app's.
    user: { id: user.id, username: user.name, name: user.name, team_id: user.team_id },
    api_app_id: appId,
    token: verificationToken,
    team: { id: teamId, domain: teamDomain },
    enterprise: null,
    is_enterprise_install: false,
  };
}

export function nameOf(channel: SandboxChannel): string {
  if (channel.im !== null) return "directmessage";
  return channel.is_private ? "privategroup" : channel.name;
}

interface Acting {
  element: Element;
  blockId: string;
  actionTs: string;
  given: Given;
}

function action({ element, blockId, actionTs, given }: Acting): Record<string, unknown> {
  const { type } = element;
  const where = { action_id: "action_id" in element ? element.action_id : "", block_id: blockId, type, action_ts: actionTs };
  if (element.type === "button")
    return {
      ...where,
      text: element.text,
      ...(element.value === undefined ? {} : { value: element.value }),
      ...(element.style === undefined ? {} : { style: element.style }),
    };
  return { ...where, ...stateOf(element, given) };
}

interface Click extends Acting {
  user: SandboxUser;
  triggerId: string;
  state: StateValues;
}

export function messageClick(
  workspace: Workspace,
  click: Click & { channel: SandboxChannel; message: SandboxMessage; responseUrl: string },
): Record<string, unknown> {
  const { channel, message } = click;
  return {
    type: "block_actions",
    ...base(click.user),
    container: {
      type: "message",
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: message.ephemeral_for !== null,
      ...(message.thread_ts === null ? {} : { thread_ts: message.thread_ts }),
    },
    trigger_id: click.triggerId,
    channel: { id: channel.id, name: nameOf(channel) },
    // An ephemeral message is not in the payload.
    ...(message.ephemeral_for === null ? { message: messageShape(workspace, message) } : {}),
    state: { values: click.state },
    response_url: click.responseUrl,
    actions: [action(click)],
  };
}

export function viewClick(click: Click & { view: SandboxView }): Record<string, unknown> {
  return {
    type: "block_actions",
    ...base(click.user),
    container: { type: "view", view_id: click.view.id },
    trigger_id: click.triggerId,
    view: viewShape(click.view, click.state),
    actions: [action(click)],
  };
}

export function submission(
  view: SandboxView,
  by: { user: SandboxUser; triggerId: string; state: StateValues },
): Record<string, unknown> {
  return {
    type: "view_submission",
    ...base(by.user),
    trigger_id: by.triggerId,
    view: viewShape(view, by.state),
    response_urls: [],
  };
}

export function closing(view: SandboxView, user: SandboxUser, isCleared: boolean): Record<string, unknown> {
  return { type: "view_closed", ...base(user), view: viewShape(view), is_cleared: isCleared };
}

export function commandForm(by: {
  user: SandboxUser;
  channel: SandboxChannel;
  command: string;
  text: string;
  responseUrl: string;
  triggerId: string;
}): Record<string, unknown> {
  return {
    token: verificationToken,
    team_id: teamId,
    team_domain: teamDomain,
    channel_id: by.channel.id,
    channel_name: nameOf(by.channel),
    user_id: by.user.id,
    user_name: by.user.name,
    command: by.command,
    text: by.text,
    api_app_id: appId,
    is_enterprise_install: "false",
    response_url: by.responseUrl,
    trigger_id: by.triggerId,
  };
}

/** Slack's envelope of an event. */
export function eventEnvelope(event: Record<string, unknown>, now: number): Record<string, unknown> {
  return {
    token: verificationToken,
    team_id: teamId,
    context_team_id: teamId,
    context_enterprise_id: null,
    api_app_id: appId,
    event,
    type: "event_callback",
    event_id: `Ev${randomUUID().replaceAll("-", "").slice(0, 10).toUpperCase()}`,
    event_time: Math.floor(now / 1_000),
    authorizations: [{ enterprise_id: null, team_id: teamId, user_id: botUserId, is_bot: true, is_enterprise_install: false }],
    is_ext_shared_channel: false,
    event_context: randomUUID(),
  };
}

export function verification(challenge: string): Record<string, unknown> {
  return { type: "url_verification", token: verificationToken, challenge };
}

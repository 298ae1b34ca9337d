import { randomBytes } from "node:crypto";
import type { Outcome, Delivery } from "./delivery/outcome.ts";
import type { Sockets } from "./delivery/sockets.ts";
import type { Fault, Faults } from "./faults.ts";
import { clickHome, clickMessage, clickView, type MessageClick, type ViewClick } from "./people/click.ts";
import { runCommand, type CommandOutcome } from "./people/command.ts";
import { findChannel, findUser, type Scene } from "./people/context.ts";
import type { Events } from "./people/events.ts";
import { verification } from "./people/payloads.ts";
import { closeView, submitView, type SubmitOutcome } from "./people/submit.ts";
import type { GivenValues } from "./people/values.ts";
import type { WebApiCall } from "./web-api/routes.ts";
import {
  appId,
  botId,
  botUserId,
  channelNames,
  personNames,
  teamId,
  userNamed,
  type ChannelName,
  type PersonName,
} from "./workspace/seed.ts";
import type { SandboxChannel, SandboxMessage, SandboxUser, SandboxView } from "./workspace/model.ts";
import type { Credentials } from "./workspace/state-file.ts";
import { topView } from "./workspace/views.ts";
import { markKey, type Mark } from "./workspace/workspace.ts";

interface Parts {
  scene: Scene;
  events: Events;
  faults: Faults;
  sockets: Sockets;
  credentials: Credentials;
  calls: WebApiCall[];
  complaints: string[];
  token: { isRevoked: boolean };
  url: string;
}

/** All that a test, a bench and the page can do with a sandbox. */
export type Handle = ReturnType<typeof createHandle>;
export type SlackSandbox = Handle & { close(): Promise<void> };

export function createHandle(parts: Parts) {
  return { ...identity(parts), ...actions(parts), ...sight(parts), ...administration(parts) };
}

function identity({ credentials, url, scene }: Parts) {
  const { state } = scene.workspace;
  // Every name of the two lists is seeded.
  const users = Object.fromEntries(personNames.map((name) => [name, userNamed(state.users, name)])) as Record<
    PersonName,
    SandboxUser
  >;
  const channels = Object.fromEntries(channelNames.map((name) => [name, findChannel(scene.workspace, name)])) as Record<
    ChannelName,
    SandboxChannel
  >;
  return { url, apiUrl: `${url}/api/`, ...credentials, teamId, appId, botId, botUserId, users, channels };
}

/** What a person does. Each resolves when the app answered, failed or three seconds were over. */
function actions({ scene, events }: Parts) {
  return {
    click: (click: MessageClick): Promise<Outcome> => clickMessage(scene, click),
    clickHome: (click: ViewClick): Promise<Outcome> => clickHome(scene, click),
    clickView: (click: ViewClick): Promise<Outcome> => clickView(scene, click),
    submitView: (form: { as: string; values: GivenValues }): Promise<SubmitOutcome> => submitView(scene, form),
    closeView: (by: { as: string }): Promise<Outcome> => closeView(scene, by),
    command: (typed: { as: string; channel: string; text: string; command?: string }): Promise<CommandOutcome> =>
      runCommand(scene, typed),
    openHome: (by: { as: string }): Promise<Outcome> => events.openHome(by),
    say: (said: { as: string; channel: string; text: string; threadTs?: string }): Promise<{ ts: string }> => events.say(said),
  };
}

/** What is to be seen. */
function sight({ scene, calls, complaints }: Parts) {
  const { workspace } = scene;
  const all = () => workspace.state.messages;
  return {
    /** Of the channel itself, the oldest first. */
    messages(channel: string): SandboxMessage[] {
      const { id } = findChannel(workspace, channel);
      return all().filter((one) => one.channel === id && one.thread_ts === null && one.ephemeral_for === null);
    },
    /** A message and the answers to it. */
    thread(channel: string, ts: string): SandboxMessage[] {
      const { id } = findChannel(workspace, channel);
      return all().filter((one) => one.channel === id && one.ephemeral_for === null && (one.ts === ts || one.thread_ts === ts));
    },
    /** What this person alone sees. */
    ephemerals(user: string): SandboxMessage[] {
      const { id } = findUser(workspace, user);
      return all().filter((one) => one.ephemeral_for === id);
    },
    /** What the app answered to this click or command, in its order. */
    answers: (triggerId: string): SandboxMessage[] => all().filter((one) => one.answer_to === triggerId),
    /** The app's conversation with this person. */
    direct(user: string): SandboxMessage[] {
      const { id } = findUser(workspace, user);
      const channel = workspace.state.channels.find((one) => one.im?.user === id);
      return channel === undefined ? [] : all().filter((one) => one.channel === channel.id && one.thread_ts === null);
    },
    view: (user: string): SandboxView | null => topView(workspace, findUser(workspace, user).id),
    home: (user: string): SandboxView | null =>
      workspace.state.homes.find((view) => view.user === findUser(workspace, user).id) ?? null,
    /** What this person sees at an element of that message: waiting, or Slack's own error. */
    mark(user: string, channel: string, ts: string): Mark | null {
      const key = markKey(findUser(workspace, user).id, `${findChannel(workspace, channel).id} ${ts}`);
      return workspace.marks.get(key) ?? null;
    },
    calls: (): WebApiCall[] => [...calls],
    deliveries: (): Delivery[] => [...scene.deliverer.log],
    complaints: (): string[] => [...complaints],
    until: <Found>(look: () => Found | null | undefined | false, withinMs?: number): Promise<Found> =>
      workspace.until(look, withinMs),
  };
}

/** What an administrator of the workspace does, and what goes wrong. */
function administration({ scene, faults, sockets, token }: Parts) {
  const { workspace, deliverer } = scene;
  const withApp = (channel: string, isThere: boolean) => {
    const found = findChannel(workspace, channel);
    found.members = found.members.filter((id) => id !== botUserId);
    if (isThere) found.members.unshift(botUserId);
    workspace.changed();
  };
  function archive(channel: string, archived = true): void {
    findChannel(workspace, channel).is_archived = archived;
    workspace.changed();
  }
  function deleteMessage(channel: string, ts: string): void {
    const found = workspace.message({ channel: findChannel(workspace, channel).id, ts });
    if (found === undefined) throw new Error(`There is no message ${ts} in ${channel}.`);
    workspace.removeMessage(found);
  }
  return {
    setEventsUrl: (url: string | null): void => deliverer.setUrl(url),
    /** Slack's check of the address: whether the challenge came back. */
    async verifyUrl(): Promise<boolean> {
      const challenge = randomBytes(16).toString("hex");
      const sent = await deliverer.send({ kind: "url_verification", payload: verification(challenge) });
      return sent.ok && sent.body.includes(challenge);
    },
    deactivate(user: string, deleted = true): void {
      findUser(workspace, user).deleted = deleted;
      workspace.changed();
    },
    join: (channel: string): void => withApp(channel, true),
    leave: (channel: string): void => withApp(channel, false),
    archive,
    deleteMessage,
    revokeToken(revoked = true): void {
      token.isRevoked = revoked;
    },
    setScopes(scopes: string[]): void {
      workspace.state.scopes = [...scopes];
      workspace.changed();
    },
    disconnectSockets: (): void => sockets.disconnect(),
    /** Replaces all faults that are in force; what is archived or deleted so is at once and stays. */
    faults(given: Fault | Fault[]): void {
      const all = [given].flat();
      for (const fault of all) {
        if (fault.kind === "channel-archived") archive(fault.channel, fault.archived);
        if (fault.kind === "message-deleted") deleteMessage(fault.channel, fault.ts);
      }
      faults.set(all.filter(({ kind }) => kind !== "channel-archived" && kind !== "message-deleted"));
      workspace.touched();
    },
    activeFaults: (): Fault[] => faults.list(),
    replay: deliverer.replay,
  };
}

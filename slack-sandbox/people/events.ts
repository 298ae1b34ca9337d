import { randomUUID } from "node:crypto";
import { viewShape } from "../web-api/shapes.ts";
import { botUserId, teamId } from "../workspace/seed.ts";
import type { Outcome } from "../delivery/outcome.ts";
import { findChannel, findUser, type Scene } from "./context.ts";
import { eventEnvelope } from "./payloads.ts";

export interface EventSettings {
  /** What the app subscribed to in its manifest. */
  subscribed: string[];
  /** Before the first, second and third retry of an event; interactions are never tried again. */
  retryDelaysMs: number[];
}

const reasons: Record<NonNullable<Outcome["error"]>, string> = {
  timeout: "http_timeout",
  http_error: "http_error",
  connection_failed: "connection_failed",
  no_url: "connection_failed",
};

export type Events = ReturnType<typeof createEvents>;

/** Events, delivered until they are taken or three retries failed. */
export function createEvents(scene: Scene, settings: EventSettings) {
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;
  const { workspace } = scene;

  async function send(event: Record<string, unknown>): Promise<Outcome> {
    const payload = eventEnvelope(event, workspace.now());
    const first = await scene.deliverer.send({ kind: "event_callback", payload });
    if (first.error !== null) again(payload, { num: 1, error: first.error });
    return first;
  }

  function again(payload: Record<string, unknown>, { num, error }: { num: number; error: NonNullable<Outcome["error"]> }): void {
    const delay = settings.retryDelaysMs[num - 1];
    if (delay === undefined || isClosed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void scene.deliverer.send({ kind: "event_callback", payload, retry: { num, reason: reasons[error] } }).then((sent) => {
        if (sent.error !== null) again(payload, { num: num + 1, error: sent.error });
      });
    }, delay);
    timers.add(timer);
  }

  return {
    /** Opens the app's home tab; the event comes whether or not a view was published. */
    async openHome({ as }: { as: string }): Promise<Outcome> {
      const user = findUser(workspace, as);
      const home = workspace.state.homes.find((view) => view.user === user.id);
      return send({
        type: "app_home_opened",
        user: user.id,
        channel: workspace.direct(user.id).id,
        tab: "home",
        event_ts: workspace.nextTs(),
        ...(home === undefined ? {} : { view: viewShape(home) }),
      });
    },
    /** Says something in a channel; the app hears it if it is there and subscribed to it. */
    async say({ as, channel: where, text, threadTs }: { as: string; channel: string; text: string; threadTs?: string }) {
      const user = findUser(workspace, as);
      const channel = findChannel(workspace, where);
      if (!channel.members.includes(user.id)) throw new Error(`${user.name} is not in ${where}.`);
      if (channel.is_archived) throw new Error(`${where} is archived.`);
      const message = workspace.addMessage({ channel: channel.id, user: user.id, text, thread_ts: threadTs ?? null });
      const kind = channel.im !== null ? "im" : channel.is_private ? "groups" : "channels";
      const said = {
        user: user.id,
        text,
        ts: message.ts,
        channel: channel.id,
        team: teamId,
        event_ts: message.ts,
        ...(message.thread_ts === null ? {} : { thread_ts: message.thread_ts }),
      };
      if (channel.members.includes(botUserId)) {
        if (settings.subscribed.includes(`message.${kind}`))
          void send({
            type: "message",
            client_msg_id: randomUUID(),
            channel_type: kind === "im" ? "im" : kind.slice(0, -1),
            ...said,
          });
        if (settings.subscribed.includes("app_mention") && text.includes(`<@${botUserId}>`))
          void send({ type: "app_mention", ...said });
      }
      return { ts: message.ts };
    },
    send,
    close(): void {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

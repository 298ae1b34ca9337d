import type { App, Receiver, ReceiverEvent } from "@slack/bolt";
import { Hono } from "hono";
import type { SlackDoor } from "../control/slack-door.ts";
import { checkRequest, readRaw, teamsOf } from "./request.ts";

/** Slack shows its own error after 3 s; what comes later would be thrown away. */
const ackWithinMs = 2_500;

export interface ReceiverDeps {
  signingSecret: string;
  door: Pick<SlackDoor, "takeRequest">;
  /** Whether the app works for this workspace. */
  isAllowed(team: string): Promise<boolean>;
  /** Told of each signed request whether its signature fits. */
  onSignature?(isGood: boolean): void;
  log: { warn(facts: object, message: string): void; error(facts: object, message: string): void };
  now?: () => number;
}

/**
 * Bolt's receiver on a Hono route. A request is taken once, and acknowledged only when its handler
 * says so: after the decision's update was accepted. What is not acknowledged in time gets 503, and
 * the person sees Slack's own error.
 */
export class HonoReceiver implements Receiver {
  readonly routes = new Hono();
  private readonly deps: ReceiverDeps;
  private app: App | null = null;

  constructor(deps: ReceiverDeps) {
    this.deps = deps;
    this.routes.post("/slack/events", (context) => this.handle(context.req.raw));
  }

  init(app: App): void {
    this.app = app;
  }

  /** Nothing to start: the server that has the route does. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  private async handle(request: Request): Promise<Response> {
    const { signingSecret, door, log, onSignature, now = Date.now } = this.deps;
    const raw = await readRaw(request);
    if (raw === null) return new Response("too large", { status: 413 });
    const checked = checkRequest({ raw, headers: request.headers }, { signingSecret, nowMs: now() });
    if (checked.ok || checked.isForged) onSignature?.(checked.ok);
    if (!checked.ok) {
      log.warn({ why: checked.why }, "a request to /slack/events was refused");
      return new Response(checked.why, { status: checked.status });
    }
    const { body, signature } = checked;
    if (body["type"] === "url_verification") return Response.json({ challenge: body["challenge"] });
    if (body["ssl_check"] !== undefined) return new Response("");
    try {
      if (!(await this.isFromAllowedTeam(body))) return new Response("this workspace is not on the list", { status: 403 });
      if (!(await door.takeRequest(signature))) return new Response("taken before", { status: 409 });
      return await this.process(body, request.headers);
    } catch (error) {
      log.error({ err: error }, "a request of Slack could not be taken");
      return new Response("not now", { status: 503 });
    }
  }

  private async isFromAllowedTeam(body: Record<string, unknown>): Promise<boolean> {
    for (const team of teamsOf(body)) if (await this.deps.isAllowed(team)) return true;
    return false;
  }

  private async process(body: Record<string, unknown>, headers: Headers): Promise<Response> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Response>((resolve) => {
      timer = setTimeout(() => resolve(new Response("not done in time", { status: 503 })), ackWithinMs);
    });
    const handled = new Promise<Response>((resolve, reject) => {
      const event: ReceiverEvent = {
        body,
        ...retryOf(headers),
        ack: async (answer?: unknown) => resolve(answerOf(answer)),
      };
      const app = this.app;
      if (!app) throw new Error("The receiver has no app.");
      app.processEvent(event).then(() => resolve(new Response("nothing took it", { status: 404 })), reject);
    });
    // After the answer was given, what a handler still does fails into its own log.
    handled.catch(() => undefined);
    return Promise.race([handled, late]).finally(() => clearTimeout(timer));
  }
}

function retryOf(headers: Headers): Pick<ReceiverEvent, "retryNum" | "retryReason"> {
  const number = headers.get("x-slack-retry-num");
  const reason = headers.get("x-slack-retry-reason");
  return { ...(number !== null && { retryNum: Number(number) }), ...(reason !== null && { retryReason: reason }) };
}

/** Commands are answered with text, forms with what becomes of them, the rest with nothing. */
function answerOf(answer: unknown): Response {
  if (answer === undefined || answer === "") return new Response("");
  return typeof answer === "string" ? new Response(answer) : Response.json(answer);
}

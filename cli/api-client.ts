import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "../domain/http/problem.ts";
import type { CommandView } from "../domain/http/record-views.ts";
import type { Connection } from "./connection.ts";
import { CliError, exitCodeOf, exitCodes } from "./exit.ts";
import { persistently, unreachable } from "./persistence.ts";

/** The server answers within 10 s, if only to say that it does not know yet. */
const requestTimeoutMs = 15_000;
/** How long one command is tried again under its one Idempotency-Key. */
const retryForMs = 30_000;
/** A question that goes unanswered can be asked again by whoever asked: they should know soon. */
const retryReadForMs = 3_000;
/** How long the outcome of a pending command is waited for. */
const followForMs = 60_000;
const firstLookMs = 250;

export interface Sent<Body> {
  status: number;
  body: Body;
}

export interface ApiClient {
  url: string;
  /** `forMs`: how long an outage is sat out. */
  get<Body>(path: string, forMs?: number): Promise<Body>;
  /** With its ETag, for If-Match. */
  getTagged<Body>(path: string, forMs?: number): Promise<{ body: Body; tag: string | null }>;
  text(path: string): Promise<string>;
  /** A command: once, whatever the network does. Throws a CliError for every refusal. */
  send<Body>(path: string, body: unknown, more?: SendOptions): Promise<Sent<Body>>;
  /** One attempt, whatever it answers, for health. */
  probe<Body>(path: string): Promise<Sent<Body>>;
}

interface SendOptions {
  method?: "POST" | "PUT";
  /** What was read before, and must not have changed meanwhile. */
  ifMatch?: string;
}

interface Patience {
  retryForMs: number;
  retryReadForMs: number;
  followForMs: number;
  /** Told once when an outage begins. */
  onOutage(message: string): void;
}

/** What differs between requests. */
interface Attempt {
  method: "GET" | "POST" | "PUT";
  headers?: Record<string, string>;
  body?: string;
}

const defaults: Patience = { retryForMs, retryReadForMs, followForMs, onOutage: () => {} };

export function createApiClient(connection: Connection, patience: Partial<Patience> = {}): ApiClient {
  const { onOutage, ...limits }: Patience = { ...defaults, ...patience };
  const headers = {
    accept: "application/json, application/problem+json, text/plain;q=0.5",
    "user-agent": "countersign-cli",
    "countersign-surface": "cli",
    ...(connection.token === null ? {} : { authorization: `Bearer ${connection.token}` }),
  };
  const attempt = (path: string, init: Attempt) =>
    fetch(`${connection.url}${path}`, {
      ...init,
      redirect: "error",
      headers: { ...headers, ...init.headers },
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
  const persist = async (path: string, init: Attempt, forMs: number) =>
    persistently(() => attempt(path, init), { url: connection.url, forMs, onOutage });

  const client: ApiClient = {
    url: connection.url,
    get: async <Body>(path: string, forMs?: number) => (await client.getTagged<Body>(path, forMs)).body,
    async getTagged<Body>(path: string, forMs = limits.retryReadForMs): Promise<{ body: Body; tag: string | null }> {
      const response = await persist(path, { method: "GET" }, forMs);
      const tag = response.headers.get("etag")?.replaceAll('"', "") ?? null;
      return { body: accepted<Body>(await readAnswer(response), connection).body, tag };
    },
    async text(path: string): Promise<string> {
      const headersOfText = { accept: "text/plain, application/problem+json" };
      const response = await persist(path, { method: "GET", headers: headersOfText }, limits.retryReadForMs);
      if (response.ok) return response.text();
      return accepted<string>(await readAnswer(response), connection).body;
    },
    async send<Body>(path: string, body: unknown, { method = "POST", ifMatch }: SendOptions = {}): Promise<Sent<Body>> {
      const init = { method, body: JSON.stringify(body), headers: headersOfCommand(ifMatch) };
      const response = await persist(path, init, limits.retryForMs);
      const answer = accepted<Body>(await readAnswer(response), connection);
      const command = pendingCommand(answer);
      return command === null ? answer : accepted<Body>(await follow(command), connection);
    },
    async probe<Body>(path: string): Promise<Sent<Body>> {
      try {
        // Nobody checked the shape: the API's own schema did when it answered.
        return (await readAnswer(await attempt(path, { method: "GET" }))) as Sent<Body>;
      } catch (error) {
        throw error instanceof CliError ? error : unreachable(connection.url, error);
      }
    },
  };

  async function follow(command: string): Promise<Sent<unknown>> {
    const until = Date.now() + limits.followForMs;
    for (let pauseMs = firstLookMs; Date.now() < until; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      await sleep(pauseMs);
      const view = await client.get<CommandView>(`/api/commands/${encodeURIComponent(command)}`, limits.retryForMs);
      if (view.state === "done" && view.answer !== null) return { status: view.answer.status, body: view.answer.body };
    }
    throw new CliError(
      exitCodes.notReachable,
      `What became of ${command} is not known yet; it is kept and will be carried out or refused.`,
      {
        cure: `Ask again with \`countersign show ${command}\`.`,
        body: { receipt: "pending", command },
      },
    );
  }

  return client;
}

function headersOfCommand(ifMatch: string | undefined): Record<string, string> {
  return {
    "content-type": "application/json",
    "idempotency-key": randomUUID(),
    ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
  };
}

async function readAnswer(response: Response): Promise<Sent<unknown>> {
  const text = await response.text();
  if (text === "") return { status: response.status, body: null };
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    throw new CliError(
      exitCodes.notReachable,
      `${new URL(response.url).origin} answers, but not as Countersign does (${response.status}, no JSON).`,
    );
  }
}

/** A 2xx as it is; anything else as the error that ends the command. */
function accepted<Body>({ status, body }: Sent<unknown>, { token }: Connection): Sent<Body> {
  // The API's own schema checked the shape when it answered.
  if (status >= 200 && status < 300) return { status, body: body as Body };
  const problem: Partial<Problem> = typeof body === "object" && body !== null ? body : {};
  const receipt = problem.receipt === undefined ? "" : (problem.message ?? "");
  const message = receipt || problem.detail || problem.title || `The server answered ${status}.`;
  const cure =
    status === 401 && token === null
      ? "Say who asks: --as <principal> in development, else --token or COUNTERSIGN_TOKEN."
      : (problem.cure ?? null);
  throw new CliError(exitCodeOf(status), message, { cure, faults: problem.errors ?? [], body });
}

function pendingCommand({ status, body }: Sent<unknown>): string | null {
  if (status !== 202 || typeof body !== "object" || body === null) return null;
  return "receipt" in body && body.receipt === "pending" && "command" in body && typeof body.command === "string"
    ? body.command
    : null;
}

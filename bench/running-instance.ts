import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A development instance that runs: start one with `npm start`, in the same folder. */
export interface RunningInstance {
  api: string;
  temporalAddress: string;
  tokens: Record<string, string>;
}

export async function findInstance(home = process.env["COUNTERSIGN_HOME"] ?? ".countersign"): Promise<RunningInstance> {
  try {
    const endpoints = JSON.parse(await readFile(join(home, "endpoints.json"), "utf8")) as {
      api: string;
      temporalAddress: string;
    };
    const tokens = JSON.parse(await readFile(join(home, "tokens.json"), "utf8")) as Record<string, string>;
    await fetch(`${endpoints.api}/api/health/live`);
    return { ...endpoints, tokens };
  } catch (error) {
    throw new Error(`No instance answers that keeps its state in ${home}: run \`npm start\` in another terminal first.`, {
      cause: error,
    });
  }
}

export interface Answer<Body> {
  status: number;
  body: Body;
}

/** One request as a principal; commands get a key of their own. */
export async function call<Body>(
  instance: RunningInstance,
  as: string,
  request: { method?: string; path: string; body?: unknown },
): Promise<Answer<Body>> {
  const response = await fetch(instance.api + request.path, {
    method: request.method ?? (request.body === undefined ? "GET" : "POST"),
    headers: {
      authorization: `Bearer ${instance.tokens[as] ?? ""}`,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as Body };
}

export interface ReleaseView {
  id: string;
  state: string;
  outcome: string | null;
  stage: string | null;
  stages: { stage: string; state: string; startedAt: string | null; endedAt: string | null; summary: string | null }[];
  gates: { id: string; state: string }[];
}

/** Looks every 50 ms until the release is where it should be. */
export async function untilRelease(
  instance: RunningInstance,
  id: string,
  is: (release: ReleaseView) => boolean,
  withinMs = 120_000,
): Promise<ReleaseView> {
  const until = Date.now() + withinMs;
  for (;;) {
    const { status, body } = await call<ReleaseView>(instance, "olga", { path: `/api/releases/${id}` });
    if (status === 200 && is(body)) return body;
    if (Date.now() > until) throw new Error(`${id} is ${body.state} at ${body.stage} after ${withinMs} ms.`);
    await sleep(50);
  }
}

export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

import { setTimeout as pause } from "node:timers/promises";

export interface Answer {
  status: number;
  headers: Headers;
  body: {
    version?: string;
    predictions?: { id: string; label: string; probability: number }[];
    code?: string;
    detail?: string;
    errors?: { path: string; message: string }[];
  };
}

/** Asks a prediction server over HTTP, as any caller does. */
export function createServingClient({ origin, token, model }: { origin: string; token: string; model: string }) {
  async function post(
    body: string,
    options: { headers?: Record<string, string>; query?: string; model?: string } = {},
  ): Promise<Answer> {
    const response = await fetch(`${origin}/api/models/${options.model ?? model}/predictions${options.query ?? ""}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...options.headers },
      body,
    });
    // The server promises this shape; what it does not keep shows in the assertions.
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
  }
  return {
    post,
    predict: (instances: unknown, key?: string) => post(JSON.stringify(key === undefined ? { instances } : { instances, key })),
  };
}

/** Waits until the condition gives something; fails after `withinMs`, saying what it waited for. */
export async function until<T>(what: string, condition: () => Promise<T | null | false>, withinMs = 10_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await condition();
    if (found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for: ${what}.`);
    await pause(5);
  }
}

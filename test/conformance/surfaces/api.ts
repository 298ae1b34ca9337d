import { randomUUID } from "node:crypto";
import { receiptKinds } from "../../../domain/gate.ts";
import type { GateView } from "../../../domain/http/gate-views.ts";
import type { Site } from "../../console/site.ts";
import { until } from "../../world/until.ts";
import type { GateSurface, Reply } from "../surface.ts";

/** The HTTP API, over a socket. */
export function createApiSurface(site: Pick<Site, "url" | "tokens">): GateSurface {
  const send = (who: string, path: string, init: { method?: string; body?: string; headers?: Record<string, string> }) =>
    fetch(`${site.url}${path}`, { ...init, headers: { authorization: `Bearer ${site.tokens[who] ?? ""}`, ...init.headers } });
  async function post(who: string, path: string, { body, key }: { body: string; key?: string | undefined }): Promise<Reply> {
    const headers = { "content-type": "application/json", "idempotency-key": key ?? randomUUID() };
    // As the answer says: while the first request under this key is under way, ask again.
    return until("the first request under this key is answered", async () => {
      const response = await send(who, path, { method: "POST", body, headers });
      const text = await response.text();
      return text.includes('"code":"key-in-use"') ? null : { receipt: receiptIn(text), refused: !response.ok, text };
    });
  }
  return {
    name: "API",
    can: { withdraw: true, escalate: true, inputs: true, key: true, follows: false },
    crowd: 150,
    decide: (who, { gate, key, ...body }) => post(who, `/api/gates/${gate}/decisions`, { body: JSON.stringify(body), key }),
    withdraw: (who, { gate, key, reason }) =>
      post(who, `/api/gates/${gate}/withdrawals`, { body: JSON.stringify({ reason }), key }),
    async read(who, gate) {
      const response = await send(who, `/api/gates/${gate}`, {});
      if (response.status === 404) return null;
      // The route answers with this shape; test/api compares it with the schema.
      const view = (await response.json()) as GateView;
      const { state, resolution, you } = view;
      return { state, resolution, offers: state !== "closed" && you.mayDecide, text: JSON.stringify(view) };
    },
    async lookAround(who, gate, digest) {
      const query = `decision=approve&digest=${encodeURIComponent(digest)}`;
      for (const [method, path] of [
        ["GET", `/api/gates/${gate}`],
        ["HEAD", `/api/gates/${gate}`],
        ["OPTIONS", `/api/gates/${gate}/decisions`],
        ["GET", `/api/gates/${gate}/decisions?${query}`],
        ["HEAD", `/api/gates/${gate}/decisions?${query}`],
        ["GET", `/api/decisions?${query}`],
      ] as const)
        await send(who, path, { method, headers: { purpose: "prefetch", "sec-purpose": "prefetch" } });
    },
    async malformed(who, gate, digest) {
      const path = `/api/gates/${gate}/decisions`;
      const bodies = [
        "",
        "{",
        "null",
        "[]",
        "{}",
        JSON.stringify({ decision: "approve" }),
        JSON.stringify({ decision: "perhaps", digest }),
        JSON.stringify({ decision: "approve", digest, surprise: 1 }),
        JSON.stringify({ decision: "approve", digest, inputs: { share: 1 } }),
        JSON.stringify({ decision: "approve", digest, seen: `sha256:${"f".repeat(64)}` }),
        JSON.stringify({ decision: "approve", digest, reason: "\u0000" }),
      ];
      const replies: Reply[] = [];
      for (const body of bodies) replies.push(await post(who, path, { body }));
      return replies;
    },
  };
}

/** The receipt in an answer's JSON. */
export function receiptIn(text: string): Reply["receipt"] {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("receipt" in body)) return null;
    return receiptKinds.find((kind) => kind === body.receipt) ?? null;
  } catch {
    return null;
  }
}

import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export interface Target {
  origin: string;
  path: string;
  token: string;
}

/** Milliseconds of one request, and whether it was answered 200. */
export interface Sample {
  ms: number;
  ok: boolean;
}

/** Node's bare http client: fetch costs a core before the server does. */
export function createLoad(target: Target, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const url = new URL(target.path, target.origin);
  function send(body: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const headers = {
        authorization: `Bearer ${target.token}`,
        "content-type": "application/json",
        "content-length": body.length,
      };
      const sent = request(url, { agent, method: "POST", headers }, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode === 200));
      });
      sent.once("error", () => resolve(false));
      sent.end(body);
    });
  }
  return {
    /** Each client sends its next request when the last was answered. */
    closedLoop: async ({
      bodies,
      clients,
      forMs,
    }: {
      bodies: Buffer[];
      clients: number;
      forMs: number;
    }): Promise<{ samples: Sample[]; tookMs: number }> => {
      const samples: Sample[] = [];
      const start = performance.now();
      await Promise.all(
        Array.from({ length: clients }, async (_, client) => {
          for (let turn = client; performance.now() - start < forMs; turn += clients) {
            const from = performance.now();
            const ok = await send(bodyOf(bodies, turn));
            samples.push({ ms: performance.now() - from, ok });
          }
        }),
      );
      return { samples, tookMs: performance.now() - start };
    },
    /** Requests begin on time whatever became of those before; a late one counts from when it was due. */
    openLoop: async ({
      bodies,
      perSecond,
      forMs,
    }: {
      bodies: Buffer[];
      perSecond: number;
      forMs: number;
    }): Promise<{ samples: Sample[]; tookMs: number }> => {
      const samples: Sample[] = [];
      const under: Promise<void>[] = [];
      const start = performance.now();
      for (let turn = 0; turn < (perSecond * forMs) / 1000; turn += 1) {
        const due = start + (turn * 1000) / perSecond;
        const early = due - performance.now();
        if (early > 0) await pause(early);
        under.push(
          send(bodyOf(bodies, turn)).then((ok) => {
            samples.push({ ms: performance.now() - due, ok });
          }),
        );
      }
      await Promise.all(under);
      return { samples, tookMs: performance.now() - start };
    },
    close: () => agent.destroy(),
  };
}

function bodyOf(bodies: Buffer[], turn: number): Buffer {
  const body = bodies[turn % bodies.length];
  if (body === undefined) throw new Error("There is nothing to send.");
  return body;
}

export function quantile(samples: Sample[], share: number): number {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

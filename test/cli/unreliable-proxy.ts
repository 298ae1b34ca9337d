import { createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to a command on its way: the answer is lost, or the server says "later"; null: it passes. */
export type Mishap = "answer lost" | "later" | null;

export interface UnreliableProxy {
  url: string;
  /** Of each POST and PUT that came, its Idempotency-Key and whether it was a replay. */
  seen: { key: string; replayed: boolean }[];
  close(): Promise<void>;
}

/** A network between the command and the real server that fails as networks do, in the order given. */
export async function openUnreliableProxy(target: string, mishaps: Mishap[]): Promise<UnreliableProxy> {
  const seen: UnreliableProxy["seen"] = [];
  const server = createServer((incoming, outgoing) => {
    const command = incoming.method !== "GET";
    const mishap = command ? (mishaps.shift() ?? null) : null;
    if (mishap === "later") {
      seen.push({ key: String(incoming.headers["idempotency-key"]), replayed: false });
      incoming.resume();
      outgoing.writeHead(503, { "retry-after": "1", "content-type": "application/problem+json" });
      outgoing.end(JSON.stringify({ code: "unavailable", detail: "away", status: 503 }));
      return;
    }
    pass(incoming, {
      target,
      outgoing,
      lost: mishap === "answer lost",
      note: (replayed) => command && seen.push({ key: String(incoming.headers["idempotency-key"]), replayed }),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Passing {
  target: string;
  outgoing: ServerResponse;
  lost: boolean;
  note(replayed: boolean): void;
}

function pass(incoming: IncomingMessage, { target, outgoing, lost, note }: Passing): void {
  const { host } = new URL(target);
  const onward = request(
    `${target}${incoming.url ?? "/"}`,
    { method: incoming.method, headers: { ...incoming.headers, host } },
    (answer) => {
      note(answer.headers["idempotent-replayed"] === "true");
      // The server has done it and answered; the caller never hears of it.
      if (lost) return void incoming.socket.destroy();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      return void answer.pipe(outgoing);
    },
  );
  incoming.pipe(onward);
}

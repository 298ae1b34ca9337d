import { connect, createServer, type Socket } from "node:net";

/**
 * A loopback address that leads to a server, and that can be made to fail as networks do: `refused`
 * (connections break, no new ones), `frozen` (connections stay, no byte passes).
 */
export interface TcpGate {
  port: number;
  set(state: "open" | "refused" | "frozen"): Promise<void>;
  close(): Promise<void>;
}

export async function createTcpGate(target: { host: string; port: number }): Promise<TcpGate> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(target);
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
    near.pipe(far);
    far.pipe(near);
    if (frozen) hold(pair);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const unlisten = () => new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));
  function breakAll(): void {
    for (const { near } of pairs) near.destroy();
  }
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The gate has no port.");
  const { port } = address;
  return {
    port,
    set: async (state) => {
      frozen = state === "frozen";
      if (state === "refused") {
        const closed = unlisten();
        breakAll();
        await closed;
        return;
      }
      if (!server.listening) await listen(port);
      for (const pair of pairs) (frozen ? hold : release)(pair);
    },
    close: async () => {
      const closed = unlisten();
      breakAll();
      await closed;
    },
  };
}

function hold({ near, far }: { near: Socket; far: Socket }): void {
  near.unpipe(far);
  far.unpipe(near);
  near.pause();
  far.pause();
}

function release({ near, far }: { near: Socket; far: Socket }): void {
  near.pipe(far);
  far.pipe(near);
}

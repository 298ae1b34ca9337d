import { createServer } from "node:net";

/** How far a taken port is stepped over before we give up and say so. */
const stepsAtMost = 100;

/** Whether a server could listen there now. */
export function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** The first free port from `start` on that is not among `taken`. */
export async function freePortFrom(start: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  const last = Math.min(start + stepsAtMost, 65_535);
  for (let port = start; port <= last; port += 1) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`No port from ${start} to ${last} is free on 127.0.0.1: end what holds them, or name another.`);
}

/** Ports that the system says are free, all different: for tests, where the number does not matter. */
export async function anyFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port: 0, host: "127.0.0.1" }, resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a listening socket has no port");
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

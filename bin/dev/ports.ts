import { randomInt } from "node:crypto";
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

/**
 * Free ports, all different: for tests, where the number does not matter. They lie below those that
 * the system gives to outgoing connections (32,768 on), one of which could take a port while what
 * held it starts again.
 */
export async function anyFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(15_000, 32_000);
    if (!ports.has(port) && (await isPortFree(port))) ports.add(port);
  }
  return [...ports];
}

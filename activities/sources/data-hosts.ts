import type { Agent } from "node:http";
import { CountersignError } from "../../domain/errors.ts";
import type { OwnEndpoints } from "./own-endpoints.ts";

/**
 * Which machines a definition may have data fetched from. A definition is other people's text: whoever
 * writes one could otherwise have the worker ask any address that it can reach (the cloud's own
 * credentials, a neighbour's admin page). The operator lists what is allowed, by name:
 * `data.example.com`, `data.example.com:8443`, `*.example.com`, `s3://bucket`.
 */
export interface DataHosts {
  /**
   * Gives what makes the connection, which looks at the address that the name leads to. Throws `source-unreadable` for
   * an address that is not allowed, or a Refusal.
   */
  checkAddress(address: URL): Promise<Agent>;
  checkBucket(bucket: string): void;
}

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);
const ports: Record<string, string> = { "http:": "80", "https:": "443" };

export function createDataHosts({
  allowed,
  development,
  own,
}: {
  allowed: string[];
  development: boolean;
  own: OwnEndpoints;
}): DataHosts {
  const buckets = new Set(allowed.filter((one) => one.startsWith("s3://")).map((one) => one.slice("s3://".length)));
  const hosts = allowed.filter((one) => !one.includes("://")).map((one) => one.toLowerCase());
  return {
    checkAddress: async (address) => {
      const { hostname, protocol } = address;
      const port = Number(address.port || ports[protocol]);
      if (!(protocol in ports)) throw refused(`${protocol}//… is no address that is fetched`);
      if (address.username !== "" || address.password !== "")
        throw refused(`${hostname} is named with a password in the address`);
      const host = `${hostname}:${port}`;
      const isAllowed = (development && loopback.has(hostname)) || hosts.some((one) => covers(one, { hostname, host }));
      if (!isAllowed) throw refused(`${address.host} is none of them`);
      await own.checkLiteral(hostname, port);
      return own.agentFor({ protocol, port });
    },
    checkBucket: (bucket) => {
      if (!buckets.has(bucket)) throw refused(`s3://${bucket} is none of them`);
    },
  };
}

function covers(allowed: string, { hostname, host }: { hostname: string; host: string }): boolean {
  const found = /^\*(\.[^:*]+)(:\d+)?$/.exec(allowed);
  if (found === null) return allowed === hostname || allowed === host;
  const [, tail = "", port = ""] = found;
  return hostname.endsWith(tail) && hostname.length > tail.length && host.endsWith(port);
}

function refused(why: string): CountersignError {
  const message = `Data may be fetched from the hosts that COUNTERSIGN_DATA_HOSTS names, and ${why}.`;
  return new CountersignError("source-unreadable", message);
}

import type { LookupAddress, LookupOptions } from "node:dns";
import { lookup as resolveName } from "node:dns/promises";
import { Agent as HttpAgent, type AgentOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { BlockList, isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { Refusal } from "./download.ts";

/** Where the product itself listens: its API, its database, Temporal. A source must not have the worker ask there. */
export interface Endpoint {
  host: string;
  port: number;
}

const thisMachine = new BlockList();
thisMachine.addSubnet("127.0.0.0", 8, "ipv4");
thisMachine.addAddress("0.0.0.0", "ipv4");
thisMachine.addAddress("::1", "ipv6");
thisMachine.addAddress("::", "ipv6");
/** The cloud's own answers (credentials among them) come from here. */
const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** An IPv4 address in IPv6's clothes is that address. */
function plain(address: string): string {
  const found = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(address);
  if (found === null) return address.replace(/%.*$/, "");
  if (found[1] !== undefined) return found[1];
  const [high, low] = [Number.parseInt(found[2] ?? "0", 16), Number.parseInt(found[3] ?? "0", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function isThisMachine(address: string): boolean {
  if (isIn(thisMachine, address)) return true;
  return Object.values(networkInterfaces()).some((ones) => ones?.some((one) => one.address === address) === true);
}

export type OwnEndpoints = ReturnType<typeof createOwnEndpoints>;

/**
 * Keeps connections for data away from the product's own ports. What counts is the address that a connection is made to,
 * however it was spelled: a name that is allowed may resolve to a port of ours, and to another address the next time.
 */
export function createOwnEndpoints(own: Endpoint[]) {
  /** Throws a Refusal. `named`: the address was reached by a name. */
  async function check(found: { address: string; port: number; named: boolean }): Promise<void> {
    const address = plain(found.address);
    if (found.named && isIn(linkLocal, address))
      throw new Refusal("unreadable", "The name leads to a link-local address, where the machine's own credentials are served.");
    for (const { host, port } of own) {
      if (port !== found.port) continue;
      const addresses = isIP(host) !== 0 ? [host] : await addressesOf(host);
      const here = isThisMachine(address) && addresses.some((one) => isThisMachine(plain(one)));
      if (here || addresses.some((one) => plain(one) === address))
        throw new Refusal("unreadable", `Port ${port} there is the product's own, and no source of data.`);
    }
  }

  /** All addresses of a name, each looked at. */
  async function resolved(hostname: string, options: LookupOptions, port: number): Promise<LookupAddress[]> {
    const addresses = await resolveName(hostname, { ...options, all: true });
    for (const { address } of addresses) await check({ address, port, named: true });
    return addresses;
  }

  type Answer = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

  /** As a socket asks: it connects to what it is given here, and resolves nothing itself. */
  const guardedLookup = (port: number) => (hostname: string, options: LookupOptions, answer: Answer) => {
    void (async () => {
      let addresses: LookupAddress[];
      try {
        addresses = await resolved(hostname, options, port);
      } catch (error) {
        return answer(error instanceof Error ? error : new Error(String(error)), []);
      }
      const [first] = addresses;
      return options.all === true || first === undefined ? answer(null, addresses) : answer(null, first.address, first.family);
    })();
  };

  /** For one address: the connection is made to what was checked, and never used for another. */
  function agentFor({ protocol, port }: { protocol: string; port: number }): HttpAgent {
    // Node's types know the lookup of a socket, and an agent hands on what it is given.
    const options = { keepAlive: false, lookup: guardedLookup(port) } as AgentOptions;
    return protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  return {
    /** Of an address as it is written; a number needs no name server, so its connection asks none. */
    checkLiteral: async (hostname: string, port: number): Promise<void> => {
      const bare = hostname.replace(/^\[|\]$/g, "");
      if (isIP(bare) !== 0) await check({ address: bare, port, named: false });
    },
    agentFor,
  };
}

async function addressesOf(host: string): Promise<string[]> {
  const found = await resolveName(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { DataHosts } from "./data-hosts.ts";
import { type Opened, Refusal, Replaced, type RemoteFile } from "./download.ts";
import { unpacked } from "./packed-body.ts";

/** More hops than this lead nowhere. */
const mostRedirects = 5;

/** A file behind an http(s) address. Each hop of a redirect is held against the allowed hosts again. */
export function httpFile(location: string, hosts: DataHosts): RemoteFile {
  const name = nameOf(location);
  return {
    name,
    open: async ({ known, from, same }, signal) => {
      const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "countersign-ingest" };
      if (from > 0 && same !== null) {
        headers["range"] = `bytes=${from}-`;
        headers["if-range"] = same;
      } else if (known !== null) {
        const [condition, value] = conditionOf(known);
        headers[condition] = value;
      }
      const answer = await follow(new URL(location), { headers, hosts, signal });
      return opened(answer, { name, from });
    },
  };
}

/** The address as people may read it: what follows `?` is often a key. */
export function nameOf(location: string): string {
  return location.replace(/[?#].*$/, "");
}

interface Asked {
  headers: Record<string, string>;
  hosts: DataHosts;
  signal: AbortSignal;
}

async function follow(first: URL, asked: Asked): Promise<IncomingMessage> {
  let address = first;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const answer = await ask(address, asked);
    const { statusCode = 0 } = answer;
    const { location } = answer.headers;
    if (statusCode < 300 || statusCode === 304 || statusCode >= 400 || location === undefined) return answer;
    answer.destroy();
    address = new URL(location, address);
  }
  throw new Refusal("unreadable", `${nameOf(first.href)} is redirected more than ${mostRedirects} times.`);
}

/** By Node's own client and not by `fetch`: it lets us look at the address before a connection is made, and unpacks nothing. */
async function ask(address: URL, { headers, hosts, signal }: Asked): Promise<IncomingMessage> {
  const agent = await hosts.checkAddress(address);
  const request = address.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(address, { agent, headers, signal }, resolve).on("error", reject).end();
  });
}

async function opened(answer: IncomingMessage, { name, from }: { name: string; from: number }): Promise<Opened> {
  const { statusCode: status = 0, headers } = answer;
  if (status === 304) {
    answer.resume();
    return { unchanged: true };
  }
  if (status !== 200 && status !== 206) {
    answer.destroy();
    if (status === 404 || status === 410) throw new Refusal("missing", `${name} is not there: the server answered ${status}.`);
    if (status === 416 || status === 412) throw new Replaced(name);
    // Too early, too many, and the server's own troubles pass; every other no stays one.
    if (status < 500 && ![408, 425, 429].includes(status))
      throw new Refusal("unreadable", `${name} cannot be read: the server answered ${status}.`);
    throw new Error(`the server answered ${status}`);
  }
  const packing = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  const isPlain = packing === "identity" || packing === "";
  const length = isPlain ? headers["content-length"] : undefined;
  const begins = status === 206 ? startOf(headers["content-range"], from) : 0;
  const { etag } = headers;
  // Of a packed body the bytes are the server's to pack anew: reading on in its middle would join two of them.
  const strong = etag !== undefined && !etag.startsWith("W/") ? etag : null;
  return {
    unchanged: false,
    body: isPlain ? answer : unpacked(answer, { name, packing }),
    from: begins,
    bytes: length === undefined ? null : begins + Number(length),
    fingerprint: strong === null ? fingerprintOfDate(headers) : `etag ${strong}`,
    same: isPlain ? strong : null,
  };
}

function startOf(range: string | undefined, asked: number): number {
  const start = Number(/^bytes (\d+)-/.exec(range ?? "")?.[1] ?? Number.NaN);
  if (start !== asked) throw new Error(`the server sent the range ${range ?? "unnamed"}, asked for from ${asked}`);
  return start;
}

/** A date alone counts seconds: one of the last minute may still stand for two contents. */
function fingerprintOfDate({ date = "", "last-modified": modified }: IncomingMessage["headers"]): string | null {
  const now = Date.parse(date);
  if (modified === undefined || Number.isNaN(now) || now - Date.parse(modified) < 60_000) return null;
  return `modified ${modified}`;
}

function conditionOf(fingerprint: string): [string, string] {
  const [kind, ...rest] = fingerprint.split(" ");
  return [kind === "etag" ? "if-none-match" : "if-modified-since", rest.join(" ")];
}

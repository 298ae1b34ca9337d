import type { DataHosts } from "./data-hosts.ts";
import { type Opened, Refusal, Replaced, type RemoteFile } from "./download.ts";

/** More hops than this lead nowhere. */
const mostRedirects = 5;

/** A file behind an http(s) address. Each hop of a redirect is held against the allowed hosts anew. */
export function httpFile(location: string, hosts: DataHosts): RemoteFile {
  const name = nameOf(location);
  return {
    name,
    open: async ({ known, from, same }, signal) => {
      const headers = new Headers({ "accept-encoding": "identity", "user-agent": "countersign-ingest" });
      if (from > 0 && same !== null) {
        headers.set("range", `bytes=${from}-`);
        headers.set("if-range", same);
      } else if (known !== null) headers.set(...conditionOf(known));
      const answer = await follow(new URL(location), { headers, hosts, signal });
      return opened(answer, { name, from });
    },
  };
}

/** The address as people may read it: what follows `?` is often a key. */
export function nameOf(location: string): string {
  return location.replace(/[?#].*$/, "");
}

async function follow(first: URL, request: { headers: Headers; hosts: DataHosts; signal: AbortSignal }): Promise<Response> {
  let address = first;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    request.hosts.checkAddress(address);
    const answer = await fetch(address, { headers: request.headers, redirect: "manual", signal: request.signal });
    const location = answer.headers.get("location");
    if (answer.status < 300 || answer.status === 304 || answer.status >= 400 || location === null) return answer;
    await answer.body?.cancel();
    address = new URL(location, address);
  }
  throw new Refusal("unreadable", `${nameOf(first.href)} is redirected more than ${mostRedirects} times.`);
}

async function opened(answer: Response, { name, from }: { name: string; from: number }): Promise<Opened> {
  if (answer.status === 304) return { unchanged: true };
  if (answer.status !== 200 && answer.status !== 206) {
    await answer.body?.cancel();
    const { status } = answer;
    if (status === 404 || status === 410) throw new Refusal("missing", `${name} is not there: the server answered ${status}.`);
    if (status === 416 || status === 412) throw new Replaced(name);
    // Too early, too many, and the server's own troubles pass; every other no stays one.
    if (status < 500 && ![408, 425, 429].includes(status))
      throw new Refusal("unreadable", `${name} cannot be read: the server answered ${status}.`);
    throw new Error(`the server answered ${status}`);
  }
  const { headers, body } = answer;
  if (body === null) throw new Error("the answer has no body");
  const length = headers.get("content-encoding") === null ? headers.get("content-length") : null;
  const begins = answer.status === 206 ? startOf(headers.get("content-range"), from) : 0;
  const etag = headers.get("etag");
  const strong = etag !== null && !etag.startsWith("W/") ? etag : null;
  return {
    unchanged: false,
    body,
    from: begins,
    bytes: length === null ? null : begins + Number(length),
    fingerprint: strong === null ? fingerprintOfDate(headers) : `etag ${strong}`,
    same: strong,
  };
}

function startOf(range: string | null, asked: number): number {
  const start = Number(/^bytes (\d+)-/.exec(range ?? "")?.[1] ?? Number.NaN);
  if (start !== asked) throw new Error(`the server sent the range ${range ?? "unnamed"}, asked for from ${asked}`);
  return start;
}

/** A date alone counts seconds: one of the last minute may still stand for two contents. */
function fingerprintOfDate(headers: Headers): string | null {
  const modified = headers.get("last-modified");
  const now = Date.parse(headers.get("date") ?? "");
  if (modified === null || Number.isNaN(now) || now - Date.parse(modified) < 60_000) return null;
  return `modified ${modified}`;
}

function conditionOf(fingerprint: string): [string, string] {
  const [kind, ...rest] = fingerprint.split(" ");
  return [kind === "etag" ? "if-none-match" : "if-modified-since", rest.join(" ")];
}

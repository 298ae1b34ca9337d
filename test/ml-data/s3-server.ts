import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { startWebServer, type WebServer } from "./web-server.ts";

/**
 * A store that speaks the part of S3's REST that reading needs, over real HTTP: ListObjectsV2 in
 * pages, GetObject with ranges and conditions. Every request must carry a Signature Version 4 that
 * is right to the byte over method, path, query, signed headers and body digest, and be of now.
 */
export interface S3Server extends WebServer {
  put(key: string, body: string | Uint8Array): void;
}

export const s3Credentials = { accessKeyId: "AKTEST", secretAccessKey: "of-this-test-alone" };
const pageKeys = 2;
const skewMs = 15 * 60_000;

export async function startS3(bucket: string): Promise<S3Server> {
  const objects = new Map<string, { body: Buffer; etag: string }>();
  const server = await startWebServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://store");
    const wrong = signatureFault(request, url);
    if (wrong !== null) return refuse(response, 403, wrong);
    const [, first, ...rest] = url.pathname.split("/").map(decodeURIComponent);
    if (first !== bucket) return refuse(response, 404, "NoSuchBucket");
    const key = rest.join("/");
    if (key === "") return list(response, { bucket, url, keys: [...objects.keys()].toSorted() });
    const object = objects.get(key);
    if (object === undefined) return refuse(response, 404, "NoSuchKey");
    return send(request, response, object);
  });
  return {
    ...server,
    put: (key, body) => {
      const bytes = Buffer.from(body);
      objects.set(key, { body: bytes, etag: `"${createHash("md5").update(bytes).digest("hex")}"` });
    },
  };
}

function send(request: IncomingMessage, response: ServerResponse, { body, etag }: { body: Buffer; etag: string }): void {
  const { "if-none-match": unless, "if-match": only, range } = request.headers;
  if (unless === etag) return void response.writeHead(304, { etag }).end();
  if (only !== undefined && only !== etag) return refuse(response, 412, "PreconditionFailed");
  const headers = { etag, "accept-ranges": "bytes", "last-modified": new Date().toUTCString() };
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) return void response.writeHead(200, { ...headers, "content-length": body.length }).end(body);
  if (start >= body.length) return refuse(response, 416, "InvalidRange");
  const part = body.subarray(start);
  const about = { "content-range": `bytes ${start}-${body.length - 1}/${body.length}`, "content-length": part.length };
  return void response.writeHead(206, { ...headers, ...about }).end(part);
}

function list(response: ServerResponse, { bucket, url, keys }: { bucket: string; url: URL; keys: string[] }): void {
  if (url.searchParams.get("list-type") !== "2") return refuse(response, 400, "InvalidRequest");
  const prefix = url.searchParams.get("prefix") ?? "";
  const after = Buffer.from(url.searchParams.get("continuation-token") ?? "", "base64").toString();
  const found = keys.filter((key) => key.startsWith(prefix) && key > after);
  const page = found.slice(0, pageKeys);
  const more = found.length > page.length;
  const token = more ? `<NextContinuationToken>${Buffer.from(page.at(-1) ?? "").toString("base64")}</NextContinuationToken>` : "";
  const contents = page.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join("");
  response.writeHead(200, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><ListBucketResult><Name>${bucket}</Name><IsTruncated>${more}</IsTruncated>${token}${contents}</ListBucketResult>`,
  );
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

/** The name of what is wrong with a request's signature, or null. */
function signatureFault({ method = "", headers }: IncomingMessage, url: URL): string | null {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    );
  if (found === null) return "AccessDenied";
  const [, key, day = "", region = "", signed = "", signature] = found;
  if (key !== s3Credentials.accessKeyId) return "InvalidAccessKeyId";
  const time = String(headers["x-amz-date"]);
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - at) < skewMs) || !time.startsWith(day)) return "RequestTimeTooSkewed";
  if (!signed.split(";").includes("host")) return "SignatureDoesNotMatch";
  const canonical = [
    method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .toSorted()
      .join("&"),
    ...signed.split(";").map((name) => `${name}:${String(headers[name] ?? "").trim()}`),
    "",
    signed,
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const signing = [day, region, "s3", "aws4_request"].reduce<Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    Buffer.from(`AWS4${s3Credentials.secretAccessKey}`),
  );
  return createHmac("sha256", signing).update(text).digest("hex") === signature ? null : "SignatureDoesNotMatch";
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

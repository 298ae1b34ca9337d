import { GetObjectCommand, ListObjectsV2Command, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { matches } from "../../files/local-root.ts";
import type { OwnEndpoints } from "./own-endpoints.ts";
import { type DownloadLimits, type Opened, Refusal, Replaced, type RemoteFile } from "./download.ts";

/** A pattern that matches more objects is a mistake. */
const mostObjects = 10_000;

/**
 * Objects of a store that speaks S3. Credentials, region and address come from the worker's own
 * environment (AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL_S3 …), as the client reads them by itself.
 */
export function createS3Source({ limits, own }: { limits: DownloadLimits; own: OwnEndpoints }) {
  let client: Promise<S3Client> | undefined;
  // Made when it is first needed: without a region in the environment its making fails.
  const connect = () => (client ??= made());
  const made = async () => {
    const endpoint = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
    const address = endpoint === undefined ? null : URL.parse(endpoint);
    const port = Number(address?.port || (address?.protocol === "http:" ? 80 : 443));
    if (address !== null) await own.checkLiteral(address.hostname, port);
    return new S3Client({
      // Tries are counted in one place: download.ts and the stage's policy.
      maxAttempts: 1,
      // Other stores than Amazon's seldom answer to names of buckets as hosts.
      forcePathStyle: endpoint !== undefined,
      requestHandler: {
        connectionTimeout: 10_000,
        requestTimeout: limits.answerWithinMs,
        httpAgent: own.agentFor({ protocol: "http:", port }),
        httpsAgent: own.agentFor({ protocol: "https:", port }),
      },
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  };

  return {
    /** The objects that a location names, by key; `*` matches within a name. Throws a Refusal, or what the network threw. */
    list: async (bucket: string, pattern: string, signal: AbortSignal): Promise<string[]> => {
      if (!pattern.includes("*")) return [pattern];
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await asked(`s3://${bucket}`, async () =>
          (await connect()).send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: pattern.slice(0, pattern.indexOf("*")),
              ContinuationToken: token,
            }),
            { abortSignal: signal },
          ),
        );
        for (const { Key: key } of page.Contents ?? []) if (key !== undefined && matchesKey(pattern, key)) keys.push(key);
        if (keys.length > mostObjects)
          throw new Refusal("unreadable", `s3://${bucket}/${pattern} matches more than ${mostObjects} objects.`);
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      return keys.toSorted((a, b) => (a < b ? -1 : 1));
    },
    file: (bucket: string, key: string): RemoteFile => ({
      name: `s3://${bucket}/${key}`,
      open: (wanted, signal) => openObject(connect, { bucket, key, ...wanted }, signal),
    }),
  };
}

async function openObject(
  connect: () => Promise<S3Client>,
  wanted: { bucket: string; key: string; known: string | null; from: number; same: string | null },
  signal: AbortSignal,
): Promise<Opened> {
  const { bucket, key, known, from, same } = wanted;
  const going = from > 0 && same !== null;
  try {
    const object = await asked(`s3://${bucket}/${key}`, async () =>
      (await connect()).send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(going ? { Range: `bytes=${from}-`, IfMatch: same } : known === null ? {} : { IfNoneMatch: known }),
        }),
        { abortSignal: signal },
      ),
    );
    if (object.Body === undefined) throw new Error("the answer has no body");
    const begins = going && object.ContentRange !== undefined ? from : 0;
    const etag = object.ETag ?? null;
    return {
      unchanged: false,
      // In Node the body is a stream that gives Buffers; the client's type covers browsers too.
      body: object.Body as AsyncIterable<Uint8Array>,
      from: begins,
      bytes: object.ContentLength === undefined ? null : begins + object.ContentLength,
      fingerprint: etag,
      same: etag,
    };
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304) return { unchanged: true };
    throw error;
  }
}

/** A no of the store in words; its troubles stay errors that are worth another try. */
async function asked<T>(name: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // No credentials, no region: the client tells it before it asks anybody.
    if (/credential|Region is missing/i.test(`${error.name} ${error.message}`))
      throw new Refusal("unreadable", `${name} cannot be read: the worker's environment has no region or credentials of S3.`);
    if (!(error instanceof S3ServiceException)) throw error;
    const status = error.$metadata.httpStatusCode ?? 500;
    if (status === 404) throw new Refusal("missing", `${name} is not there (${error.name}).`);
    if (status === 412 || status === 416) throw new Replaced(name);
    if (status >= 400 && status < 500 && status !== 408 && status !== 429)
      throw new Refusal("unreadable", `${name} cannot be read: S3 answered ${status} ${error.name}.`);
    throw error;
  }
}

function matchesKey(pattern: string, key: string): boolean {
  const [segments, names] = [pattern.split("/"), key.split("/")];
  return segments.length === names.length && segments.every((segment, at) => matchesSegment(segment, names[at] ?? ""));
}

function matchesSegment(segment: string, name: string): boolean {
  return segment.includes("*") ? matches(segment, name) : segment === name;
}

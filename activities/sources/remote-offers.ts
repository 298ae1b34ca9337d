import { join } from "node:path";
import { CountersignError } from "../../domain/errors.ts";
import type { Offer, RemoteOffers, SourceRequest } from "../../ml/datasets/offers.ts";
import { formatFor } from "../../ml/datasets/source-files.ts";
import { createDataHosts } from "./data-hosts.ts";
import { defaultDownloadLimits, download, type DownloadLimits, Refusal, type RemoteFile } from "./download.ts";
import { httpFile } from "./http-source.ts";
import { defaultQueryLimits, queryOffer, type QueryLimits } from "./query-source.ts";
import { createOwnEndpoints, type Endpoint } from "./own-endpoints.ts";
import { createS3Source } from "./s3-source.ts";

export interface RemoteDeps {
  /** `data.example.com`, `*.example.com`, `s3://bucket`: what definitions may name. */
  hosts: string[];
  /** On one machine the loopback may be asked. */
  development: boolean;
  /** Where the product itself listens: never a source, whatever is allowed. */
  own: Endpoint[];
  /** Databases by their names in definitions. */
  connections: Record<string, string>;
  limits?: Partial<DownloadLimits>;
  queryLimits?: Partial<QueryLimits>;
}

/** Sources of other machines: web servers, S3, PostgreSQL. */
export function createRemoteOffers(deps: RemoteDeps): RemoteOffers {
  const own = createOwnEndpoints(deps.own);
  const hosts = createDataHosts({ allowed: deps.hosts, development: deps.development, own });
  const limits = { ...defaultDownloadLimits, ...deps.limits };
  const queryLimits = { ...defaultQueryLimits, ...deps.queryLimits };
  const s3 = createS3Source({ limits, own });
  let fetched = 0;

  const offer = (request: SourceRequest, location: string, file: RemoteFile): Offer => ({
    name: file.name,
    place: location,
    format: formatFor(request.source, request.definition, file.name),
    encoding: request.definition.encoding ?? "utf-8",
    bring: (known, scratch, tools) =>
      download(file, { path: join(scratch, `fetched-${(fetched += 1)}`), known, limits }, tools).catch((error: unknown) => {
        throw atFiles(error, request.source);
      }),
  });

  return async (request) => {
    const { source, location } = request;
    if (location === null) return [queryOffer(request, { connections: deps.connections, limits: queryLimits })];
    try {
      if (!/^s3:\/\//i.test(location)) {
        await hosts.checkAddress(new URL(location));
        return [offer(request, location, httpFile(location, hosts))];
      }
      const [bucket = "", ...rest] = location.slice("s3://".length).split("/");
      hosts.checkBucket(bucket);
      const keys = await s3.list(bucket, rest.join("/"), request.signal);
      return keys.map((key) => offer(request, `s3://${bucket}/${key}`, s3.file(bucket, key)));
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof Refusal)
        throw atFiles(
          new CountersignError(error.kind === "missing" ? "source-missing" : "source-unreadable", error.message),
          source,
        );
      if (error instanceof CountersignError) throw atFiles(error, source);
      throw new CountersignError(
        "transient",
        `${location} could not be listed: ${error instanceof Error ? error.message : String(error)}.`,
        {
          cause: error,
        },
      );
    }
  };
}

/** The same error, with the place in the definition that led to it. */
function atFiles(error: unknown, source: string): unknown {
  if (!(error instanceof CountersignError) || error.faults.length > 0) return error;
  const faults = [{ path: `data.sources.${source}.files`, message: error.message }];
  return new CountersignError(error.code, error.message, { faults, extra: error.extra, cause: error.cause });
}

import type { Endpoint } from "../activities/sources/own-endpoints.ts";
import type { Environment } from "./config.ts";

const addresses = ["DATABASE_URL", "TEMPORAL_UI_URL", "COUNTERSIGN_SERVING_URL", "SLACK_API_URL"] as const;
const ports = [
  "COUNTERSIGN_API_PORT",
  "COUNTERSIGN_SERVING_PORT",
  "COUNTERSIGN_POSTGRES_PORT",
  "COUNTERSIGN_TEMPORAL_PORT",
  "COUNTERSIGN_TEMPORAL_UI_PORT",
  "COUNTERSIGN_TEMPORAL_HTTP_PORT",
  "COUNTERSIGN_TEMPORAL_METRICS_PORT",
  "COUNTERSIGN_SLACK_SANDBOX_PORT",
] as const;
const usualPorts: Record<string, number> = { "http:": 80, "https:": 443, "postgres:": 5432, "postgresql:": 5432 };

/** Where the product itself listens, as far as a process is told: no source of data, whatever hosts are allowed. */
export function ownEndpoints(config: Environment): Endpoint[] {
  const [host = "", port = ""] = config.TEMPORAL_ADDRESS?.split(/:(?=\d+$)/) ?? [];
  return [
    ...(host === "" ? [] : [{ host, port: Number(port) }]),
    ...addresses.flatMap((name) => {
      const given = config[name];
      if (given === undefined) return [];
      const url = new URL(given);
      return [{ host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || (usualPorts[url.protocol] ?? 0) }];
    }),
    ...ports.flatMap((name) => (config[name] === undefined ? [] : [{ host: "127.0.0.1", port: config[name] }])),
  ];
}

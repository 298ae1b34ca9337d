import { Connection } from "@temporalio/client";
import { connect } from "node:net";

/**
 * The five search attributes of the design, all Keyword. An unregistered one would fail every
 * workflow task for ever, so they are registered at start, also on a database that exists.
 */
export const searchAttributes = [
  "CountersignModel",
  "CountersignStage",
  "CountersignState",
  "CountersignGate",
  "CountersignTier",
] as const;

export interface TemporalOptions {
  port: number;
  /** Null: without the web pages. */
  uiPort: number | null;
  /** Null: in memory. */
  databaseFile: string | null;
  /** Of its HTTP API and its metrics; absent: at random. */
  otherPorts?: { http: number; metrics: number };
}

/**
 * The server reads each shard's queue of things to do 20 times a second at most, which is meant for hundreds of
 * shards. The development server has one: two steps that follow each other waited 50 ms in between.
 */
const queueReads = ["transfer", "timer"].flatMap((queue) => [
  "--dynamic-config-value",
  `history.${queue}ProcessorMaxPollRPS=1000`,
]);

/** The arguments of the Temporal CLI for the development server. */
export function temporalArgs({ port, uiPort, databaseFile, otherPorts }: TemporalOptions): string[] {
  const others =
    otherPorts === undefined ? [] : ["--http-port", String(otherPorts.http), "--metrics-port", String(otherPorts.metrics)];
  const pages = uiPort === null ? ["--headless"] : ["--ui-port", String(uiPort)];
  // Without the pragmas 9.4 workflows a second, with them 24.7, as in memory. A killed process
  // loses nothing so; a power cut may lose the last moments.
  const file =
    databaseFile === null
      ? []
      : ["--db-filename", databaseFile, "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"];
  return [
    "server",
    "start-dev",
    "--ip",
    "127.0.0.1",
    "--port",
    String(port),
    "--log-level",
    "warn",
    ...pages,
    ...others,
    ...file,
    ...queueReads,
    ...searchAttributes.flatMap((name) => ["--search-attribute", `${name}=Keyword`]),
  ];
}

/** Whether something accepts connections there; the server does so when its frontend is up. */
export function acceptsConnections(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

/** Whether the server there answers, has its namespace `default`, and knows our search attributes. */
export async function isTemporalReady(address: string): Promise<boolean> {
  let connection: Connection | null = null;
  try {
    connection = await Connection.connect({ address, connectTimeout: 2_000 });
    const known = await connection.operatorService.listSearchAttributes({ namespace: "default" });
    return searchAttributes.every((name) => known.customAttributes?.[name] !== undefined);
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

import pg from "pg";

/** Longest wait between two tries to connect. */
const longestWaitMs = 2_000;

export interface Listening {
  url: string;
  /** What triggers of the migrations notify: `countersign_slot` when a slot moved, `countersign_audit` when records were committed. */
  channel: "countersign_slot" | "countersign_audit";
  applicationName: string;
  onNotice(): void;
}

/**
 * Calls `onNotice` at each notice of the channel, and each time that the connection came to be,
 * because what happened before was not heard. Connects again by itself, for ever; a connection that
 * is dead without anybody knowing hears nothing, so the caller also polls.
 */
export function listen({ url, channel, applicationName, onNotice }: Listening): { stop(): Promise<void> } {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = 100;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      keepAlive: true,
      application_name: applicationName,
    });
    client = next;
    let lost = false;
    const again = () => {
      if (lost || stopped) return;
      lost = true;
      next.end().catch(() => undefined);
      timer = setTimeout(() => void connect(), waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    };
    next.on("error", again);
    next.on("end", again);
    next.on("notification", onNotice);
    try {
      await next.connect();
      await next.query(`listen ${channel}`);
      waitMs = 100;
      onNotice();
    } catch {
      again();
    }
  }

  void connect();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

import pg from "pg";

/** Longest wait between two tries to connect. */
const longestWaitMs = 2_000;

export interface AuditNotices {
  /** Calls `onNotice` when records were committed, and when some may have been missed; gives how to stop. */
  subscribe(onNotice: () => void): () => void;
  stop(): Promise<void>;
}

/**
 * One connection that hears of new audit records for all event streams of a process. Connects
 * again by itself; what happened in between was not heard, so a connection that came to be is told
 * as a notice, and streams also look every few seconds.
 */
export function listenToAudit({ url }: { url: string }): AuditNotices {
  const subscribers = new Set<() => void>();
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = 100;
  const tell = () => {
    for (const subscriber of subscribers) subscriber();
  };

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      keepAlive: true,
      application_name: "countersign-events",
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
    next.on("notification", tell);
    try {
      await next.connect();
      await next.query("listen countersign_audit");
      waitMs = 100;
      tell();
    } catch {
      again();
    }
  }

  void connect();
  return {
    subscribe(onNotice) {
      subscribers.add(onNotice);
      return () => subscribers.delete(onNotice);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

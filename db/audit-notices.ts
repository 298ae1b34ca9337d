import { listen } from "./notices.ts";

export interface AuditNotices {
  /** Calls `onNotice` when records were committed, and when some may have been missed; gives how to stop. */
  subscribe(onNotice: () => void): () => void;
  stop(): Promise<void>;
}

/**
 * One connection that hears of new audit records for all event streams of a process. What happened
 * while it was away was not heard, so a connection that came to be is told as a notice, and streams
 * also look every few seconds.
 */
export function listenToAudit({ url }: { url: string }): AuditNotices {
  const subscribers = new Set<() => void>();
  const onNotice = () => {
    for (const subscriber of subscribers) subscriber();
  };
  const { stop } = listen({ url, channel: "countersign_audit", applicationName: "countersign-events", onNotice });
  return {
    subscribe(onNotice) {
      subscribers.add(onNotice);
      return () => subscribers.delete(onNotice);
    },
    stop,
  };
}

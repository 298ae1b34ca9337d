import { listen } from "./notices.ts";

/** Calls `onNotice` whenever a slot moved, and each time that the connection came to be. */
export function listenToSlots({ url, onNotice }: { url: string; onNotice(): void }): { stop(): Promise<void> } {
  return listen({ url, channel: "countersign_slot", applicationName: "countersign-serving", onNotice });
}

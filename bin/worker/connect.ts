import { setTimeout as sleep } from "node:timers/promises";
import { NativeConnection } from "@temporalio/worker";

const connectWithinMs = 120_000;
const mostPauseMs = 5_000;

/** `NativeConnection.connect` does not retry; Temporal may start after us. Gives up after two minutes: the supervisor starts us again. */
export async function connectPatiently(address: string): Promise<NativeConnection> {
  const until = Date.now() + connectWithinMs;
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, mostPauseMs)) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      if (Date.now() + pauseMs > until) throw error;
      await sleep(pauseMs);
    }
  }
}

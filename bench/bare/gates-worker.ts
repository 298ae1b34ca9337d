import { fileURLToPath } from "node:url";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { createDatabase } from "../../db/database.ts";

/**
 * The worker of the bare gates, a process of its own as ours are, with one row a record, as little as it can be. Started
 * by gate-stand.ts; ends when its starter goes.
 */
Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { filter: "ERROR", forward: {} } } });
const connection = await NativeConnection.connect({ address: process.env["TEMPORAL_ADDRESS"] ?? "" });
const db = createDatabase({ url: process.env["DATABASE_URL"] ?? "" });
const worker = await Worker.create({
  connection,
  workflowsPath: fileURLToPath(new URL("gates.ts", import.meta.url)),
  taskQueue: "bench-bare",
  activities: {
    record: async (id: string) => {
      await db.insertInto("groups").values({ id }).execute();
    },
  },
});
process.once("disconnect", () => worker.shutdown());
await worker.run();
await db.destroy();
await connection.close();

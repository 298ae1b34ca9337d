import { fileURLToPath } from "node:url";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";

/** The worker of the bare workflow, a process of its own as ours are. `node bench/bare/worker.ts <address>` */
Runtime.install({ logger: new DefaultLogger("WARN") });
const connection = await NativeConnection.connect({ address: process.argv[2] ?? "127.0.0.1:7233" });
const worker = await Worker.create({
  connection,
  taskQueue: "bench-bare",
  workflowsPath: fileURLToPath(new URL("workflow.ts", import.meta.url)),
  activities: { act: () => Promise.resolve() },
});
await worker.run();
await connection.close();

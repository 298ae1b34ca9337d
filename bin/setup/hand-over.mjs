import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, delimiter } from "node:path";

/**
 * Goes on as another program and ends as it ends; signals are passed on. With `channel` the two
 * are joined by one, so that the program notices when this process is killed.
 */
export function handOver(node, args, { env, channel = false }) {
  // Programs that the other one starts by name (`node`) must be this Node as well.
  const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`;
  const child = spawn(node, args, {
    stdio: ["inherit", "inherit", "inherit", ...(channel ? ["ipc"] : [])],
    env: { ...process.env, PATH: path, ...env },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (signal === null ? 1 : constants.signals[signal])));
}

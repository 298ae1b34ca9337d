import { runCommandLine } from "./program.ts";

const interruptedExitCode = 130;
const controller = new AbortController();
let interrupted = false;
process.on("SIGINT", () => {
  // A second Ctrl-C does not wait for anything.
  if (interrupted) process.exit(interruptedExitCode);
  interrupted = true;
  controller.abort();
});
// The reader of a pipe may leave early (`countersign list … | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const code = await runCommandLine(process.argv.slice(2), {
  output: {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(`${text}\n`),
    colour: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
  },
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
});
process.exitCode = interrupted ? interruptedExitCode : code;

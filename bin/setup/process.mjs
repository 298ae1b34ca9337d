import { spawn } from "node:child_process";

/**
 * Runs a program to its end and gives `{ code, output }`, both streams together. A program that
 * cannot be started, or is not done after `timeoutMs`, has code null and says why in `output`.
 */
export function run(command, args, { timeoutMs = 600_000, ...options } = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\n${command} was stopped: not done after ${timeoutMs / 1000} s`));
      child.kill("SIGKILL");
    }, timeoutMs);
    const end = (code) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(chunks).toString("utf8").trim() });
    };
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => {
      chunks.push(Buffer.from(error.message));
      end(null);
    });
    child.on("close", (code) => end(code));
  });
}

/** The last lines of a program's output: the end says what went wrong. */
export function tail(text, lines = 8) {
  return text.split("\n").slice(-lines).join("\n");
}

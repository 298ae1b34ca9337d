import { execFile } from "node:child_process";
import { join } from "node:path";

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** What the environment of a command may hold besides the path. */
export type Environment = Record<string, string>;

/** Runs `countersign` as a person does: a process of its own, told by its environment where the instance is. */
export async function countersign(words: string[], environment: Environment = {}): Promise<Ran> {
  const entry = join(import.meta.dirname, "../../cli/countersign.mjs");
  return new Promise((resolve) => {
    const path = process.env["PATH"] ?? "";
    execFile(process.execPath, [entry, ...words], { env: { PATH: path, ...environment }, timeout: 55_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err });
    });
  });
}

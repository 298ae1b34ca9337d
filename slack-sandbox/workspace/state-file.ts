import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { seedState } from "./seed.ts";
import type { WorkspaceState } from "./model.ts";

export interface Credentials {
  signingSecret: string;
  botToken: string;
  appToken: string;
  clientId: string;
  clientSecret: string;
}

/** The state of an earlier start, or the seeded one. */
export async function loadState(folder: string | undefined): Promise<WorkspaceState> {
  const text = folder === undefined ? null : await readIfThere(join(folder, "state.json"));
  // Written by `saveState` alone.
  return text === null ? seedState() : (JSON.parse(text) as WorkspaceState);
}

/** Replaces the file at once, so that a kill leaves the old or the new one whole. */
export async function saveState(folder: string, state: WorkspaceState): Promise<void> {
  const lasting = { ...state, messages: state.messages.filter((message) => message.ephemeral_for === null) };
  await replaceFile(join(folder, "state.json"), JSON.stringify(lasting));
}

/** Kept in the folder over restarts; made anew for each instance that has none. */
export async function ensureCredentials(folder: string | undefined, given?: Partial<Credentials>): Promise<Credentials> {
  const text = folder === undefined ? null : await readIfThere(join(folder, "credentials.json"));
  // Written by `writeCredentials` alone.
  const kept = text === null ? {} : (JSON.parse(text) as Partial<Credentials>);
  const secret = (bytes: number) => randomBytes(bytes).toString("hex");
  return {
    signingSecret: given?.signingSecret ?? kept.signingSecret ?? secret(16),
    botToken: given?.botToken ?? kept.botToken ?? `xoxb-sandbox-${secret(12)}`,
    appToken: given?.appToken ?? kept.appToken ?? `xapp-sandbox-${secret(12)}`,
    clientId: given?.clientId ?? kept.clientId ?? `sandbox.${secret(6)}`,
    clientSecret: given?.clientSecret ?? kept.clientSecret ?? secret(16),
  };
}

/** Readable by its owner alone. */
export async function writeCredentials(folder: string, all: Credentials & Record<string, string>): Promise<void> {
  await replaceFile(join(folder, "credentials.json"), `${JSON.stringify(all, null, 2)}\n`);
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

import type { Command } from "commander";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { findConnection } from "./connection.ts";
import type { Output } from "./output.ts";

export interface GlobalOptions {
  json?: boolean;
  as?: string;
  url?: string;
  token?: string;
}

/** What every command gets. */
export interface Context {
  output: Output;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Sets the exit code of a command that has said all it had to say. */
  exit(code: number): void;
  signal: AbortSignal;
}

export async function connect(command: Command, context: Context): Promise<ApiClient> {
  const connection = await findConnection(command.optsWithGlobals<GlobalOptions>(), context);
  return createApiClient(connection, { onOutage: (message) => context.output.err(message) });
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

/** The API's answer as it came for `--json`, else what `words` makes of it. */
export function say<Body>(command: Command, context: Context, answer: { body: Body; words(body: Body): string }): void {
  context.output.out(wantsJson(command) ? JSON.stringify(answer.body, null, 2) : answer.words(answer.body));
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

export const segment = (id: string): string => encodeURIComponent(id);

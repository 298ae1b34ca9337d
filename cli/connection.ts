import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { didYouMean, listed } from "../domain/suggestion.ts";
import { CliError, exitCodes } from "./exit.ts";

export interface ConnectionOptions {
  url?: string | undefined;
  token?: string | undefined;
  as?: string | undefined;
}

export interface Connection {
  /** An origin, such as http://127.0.0.1:4400. */
  url: string;
  token: string | null;
}

/**
 * Where the API is and who asks: the options, then the environment, then what a development
 * instance wrote under COUNTERSIGN_HOME or ./.countersign.
 */
export async function findConnection(
  options: ConnectionOptions,
  process: { env: NodeJS.ProcessEnv; cwd: string },
): Promise<Connection> {
  const { env } = process;
  const home = homeOf(process);
  const url = origin(options.url ?? present(env["COUNTERSIGN_URL"]) ?? (await localUrl(home)));
  if (options.token !== undefined) return { url, token: options.token };
  const as = options.as ?? present(env["COUNTERSIGN_AS"]);
  if (options.as === undefined && present(env["COUNTERSIGN_TOKEN"]) !== undefined)
    return { url, token: env["COUNTERSIGN_TOKEN"] ?? null };
  return { url, token: as === undefined ? null : await developmentToken(as, { home, url }) };
}

/** The home of the development instance that these surroundings mean. */
export function homeOf({ env, cwd }: { env: NodeJS.ProcessEnv; cwd: string }): string {
  return resolve(cwd, present(env["COUNTERSIGN_HOME"]) ?? ".countersign");
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

function origin(text: string): string {
  const parsed = URL.parse(text);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol))
    throw new CliError(exitCodes.badInput, `${text} is no http address.`, {
      cure: "Such as --url http://127.0.0.1:4400.",
    });
  return parsed.origin;
}

async function localUrl(home: string): Promise<string> {
  const endpoints = await readJson(join(home, "endpoints.json"));
  const api = endpoints?.["api"];
  if (typeof api === "string") return api;
  throw new CliError(
    exitCodes.notReachable,
    `No Countersign is known here: ${join(home, "endpoints.json")} does not say where one runs.`,
    {
      cure: "Start one with `npm start`, go to its folder, or give --url or COUNTERSIGN_URL.",
    },
  );
}

async function developmentToken(principal: string, { home, url }: { home: string; url: string }): Promise<string> {
  // These tokens open the local instance; sent elsewhere they would only be given away.
  if (!isLoopback(url))
    throw new CliError(exitCodes.badInput, `--as is for a development instance on this machine, not for ${url}.`, {
      cure: "Give a token: --token or COUNTERSIGN_TOKEN.",
    });
  const tokens = await readJson(join(home, "tokens.json"));
  if (tokens === null)
    throw new CliError(exitCodes.badInput, `--as reads ${join(home, "tokens.json")}, which is not there.`, {
      cure: "Start a development instance with `npm start`, or give --token.",
    });
  const token = tokens[principal];
  if (typeof token === "string") return token;
  const known = Object.keys(tokens);
  throw new CliError(exitCodes.badInput, `Nobody called \`${principal}\` is known here.${didYouMean(principal, known)}`, {
    cure: `Known are ${listed(known, "and")}.`,
  });
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function readJson(path: string): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

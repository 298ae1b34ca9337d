import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createDatabase, type Db } from "../db/database.ts";
import { readToken } from "../db/reads/people.ts";
import { seedPeople } from "../db/seed-people.ts";
import { insertToken } from "../db/tokens.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Principal } from "../domain/principal.ts";
import { hashToken, newToken } from "./sign-in.ts";

/** Who lives in a development instance. */
export const developmentPeople: readonly Principal[] = [
  { id: "ada", kind: "person", displayName: "Ada", groups: ["ml-engineering"], roles: ["engineer"] },
  { id: "ben", kind: "person", displayName: "Ben", groups: ["ml-engineering"], roles: ["engineer"] },
  { id: "grace", kind: "person", displayName: "Grace", groups: ["model-risk"], roles: ["viewer"] },
  { id: "george", kind: "person", displayName: "George", groups: ["model-risk"], roles: ["viewer"] },
  { id: "pia", kind: "person", displayName: "Pia", groups: ["product"], roles: ["viewer"] },
  { id: "olga", kind: "person", displayName: "Olga", groups: ["platform"], roles: ["operator", "admin", "break-glass"] },
  { id: "ci", kind: "machine", displayName: "CI", groups: ["automation"], roles: ["engineer"] },
];

const tokenMs = 365 * 24 * 60 * 60 * 1000;
const loopback = new Set(["127.0.0.1", "localhost", "[::1]", "::1"]);

/**
 * Seeds the people of a development instance and gives their tokens, by principal: those of
 * `tokens.json` in `home` as far as they are valid, so that they outlive a restart. Fails closed:
 * throws `forbidden` unless `mode` says development and the database is on loopback.
 */
export async function seedDevelopment(options: {
  databaseUrl: string;
  home: string;
  mode?: string;
}): Promise<Record<string, string>> {
  const mode = options.mode ?? process.env["COUNTERSIGN_MODE"];
  if (mode !== "development")
    throw new CountersignError(
      "forbidden",
      "People and tokens are seeded in development only: COUNTERSIGN_MODE is not development.",
    );
  if (!loopback.has(new URL(options.databaseUrl).hostname))
    throw new CountersignError("forbidden", "People and tokens are seeded only into a database on this machine's loopback.");
  const db = createDatabase({ url: options.databaseUrl, max: 1 });
  try {
    await seedPeople(db, developmentPeople);
    return await tokensOf(db, await readKept(join(options.home, "tokens.json")));
  } finally {
    await db.destroy();
  }
}

async function tokensOf(db: Db, kept: Record<string, unknown>): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  for (const { id } of developmentPeople) {
    const before = kept[id];
    const holder = typeof before === "string" ? await readToken(db, hashToken(before)) : null;
    tokens[id] = typeof before === "string" && holder?.principal.id === id ? before : await makeToken(db, id);
  }
  return tokens;
}

async function makeToken(db: Db, principal: string): Promise<string> {
  const token = newToken();
  const id = `tok_${randomBytes(12).toString("base64url")}`;
  const expiresAt = new Date(Date.now() + tokenMs);
  await insertToken(db, { id, principal, kind: "api", hash: hashToken(token), name: "development", scopes: [], expiresAt });
  return token;
}

/** What an earlier start wrote; nothing when it is not there or no JSON. */
async function readKept(path: string): Promise<Record<string, unknown>> {
  try {
    const kept: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof kept === "object" && kept !== null ? { ...kept } : {};
  } catch {
    return {};
  }
}

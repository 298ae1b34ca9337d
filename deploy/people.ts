import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { readConfig } from "../bin/config.ts";
import { hashToken, newToken } from "../control/sign-in.ts";
import { createDatabase } from "../db/database.ts";
import { seedPeople } from "../db/seed-people.ts";
import { insertToken } from "../db/tokens.ts";
import { principalPattern } from "../domain/ids.ts";
import { roles } from "../domain/principal.ts";

/**
 * The first people of an installation, which nobody could add over HTTP yet:
 *
 *   node deploy/people.ts people.yaml tokens/
 *
 * Adds the principals of the file that are missing, with groups and roles, and writes a token for
 * each into the folder, for its owner's eyes alone; valid for 30 days. Who is there stays as they
 * are and gets no second token. All of it is in the audit chain, as `countersign`'s doing.
 */
const tokenMs = 30 * 24 * 60 * 60 * 1000;

const peopleSchema = z
  .array(
    z.strictObject({
      id: z.string().regex(principalPattern),
      kind: z.enum(["person", "machine"]).default("person"),
      name: z.string().min(1),
      groups: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)).default([]),
      roles: z.array(z.enum(roles)).min(1),
    }),
  )
  .min(1);

const [peopleFile, tokenFolder] = process.argv.slice(2);
if (peopleFile === undefined || tokenFolder === undefined) {
  process.stderr.write("node deploy/people.ts <people.yaml> <folder for tokens>\n");
  process.exit(2);
}
const config = readConfig(process.env, ["DATABASE_URL"]);
const read = peopleSchema.safeParse(parse(await readFile(peopleFile, "utf8")));
if (!read.success) {
  process.stderr.write(`${peopleFile} has faults:\n${z.prettifyError(read.error)}\n`);
  process.exit(2);
}
const db = createDatabase({ url: config.DATABASE_URL, max: 1 });
try {
  const known = new Set((await db.selectFrom("principals").select("id").execute()).map(({ id }) => id));
  await seedPeople(
    db,
    read.data.map(({ name, ...person }) => ({ ...person, displayName: name })),
  );
  await mkdir(tokenFolder, { recursive: true, mode: 0o700 });
  for (const { id } of read.data.filter((person) => !known.has(person.id))) {
    const token = newToken();
    const path = join(tokenFolder, `${id}.token`);
    await writeFile(path, `${token}\n`, { mode: 0o600 });
    await insertToken(db, {
      id: `tok_${randomBytes(12).toString("base64url")}`,
      principal: id,
      kind: "api",
      hash: hashToken(token),
      name: "first token",
      scopes: [],
      expiresAt: new Date(Date.now() + tokenMs),
    });
    process.stdout.write(`${id}: added, token in ${path}\n`);
  }
} finally {
  await db.destroy();
}

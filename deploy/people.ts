import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { readConfig } from "../bin/config.ts";
import { hashToken, newToken } from "../control/sign-in.ts";
import { createDatabase } from "../db/database.ts";
import { readWithoutToken } from "../db/reads/people.ts";
import { seedPeople } from "../db/seed-people.ts";
import { insertToken } from "../db/tokens.ts";
import { principalPattern } from "../domain/ids.ts";
import { peopleFileSchema, wantedIn } from "../domain/people-file.ts";
import { roles, type Principal } from "../domain/principal.ts";

/**
 * The first people of an installation, which nobody could add over HTTP yet:
 *
 *   node deploy/people.ts people.yaml tokens/
 *
 * Adds the principals of the file that are missing, with groups and roles, and writes a token into
 * the folder for each who holds no valid one, for its owner's eyes alone; valid for 30 days. Who is
 * there stays as they are. The file is a list, or what `countersign people apply` takes, so that
 * whoever was added there gets a first token here: no admin can make one for another person. All of
 * it is in the audit chain, as `countersign`'s doing.
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

const listedSchema = peopleSchema.transform((list): Principal[] =>
  list.map(({ name, ...person }) => ({ ...person, displayName: name })),
);
const fileSchema = peopleFileSchema.transform((file): Principal[] =>
  wantedIn(file).principals.flatMap(({ id, kind = "person", displayName = id, roles: held = [], active }) => {
    const groups = Object.keys(file.groups).filter((group) => file.groups[group]?.includes(id));
    return active === false ? [] : [{ id, kind, displayName, roles: held, groups }];
  }),
);

const [peopleFile, tokenFolder] = process.argv.slice(2);
if (peopleFile === undefined || tokenFolder === undefined) {
  process.stderr.write("node deploy/people.ts <people.yaml> <folder for tokens>\n");
  process.exit(2);
}
const config = readConfig(process.env, ["DATABASE_URL"]);
const written: unknown = parse(await readFile(peopleFile, "utf8"));
const read = (Array.isArray(written) ? listedSchema : fileSchema).safeParse(written);
if (!read.success) {
  process.stderr.write(`${peopleFile} has faults:\n${z.prettifyError(read.error)}\n`);
  process.exit(2);
}
const db = createDatabase({ url: config.DATABASE_URL, max: 1 });
try {
  await seedPeople(db, read.data);
  const without = await readWithoutToken(
    db,
    read.data.map((one) => one.id),
  );
  await mkdir(tokenFolder, { recursive: true, mode: 0o700 });
  for (const id of without) {
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
    process.stdout.write(`${id}: token in ${path}\n`);
  }
} finally {
  await db.destroy();
}

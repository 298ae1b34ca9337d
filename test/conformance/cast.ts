import { randomBytes } from "node:crypto";
import { hashToken, newToken } from "../../control/sign-in.ts";
import type { Db } from "../../db/database.ts";
import { insertToken } from "../../db/tokens.ts";
import type { Role } from "../../domain/principal.ts";

export interface Part {
  kind?: "person" | "machine";
  groups: string[];
  roles?: Role[];
}

/** People of a test's own, with their tokens by name. Groups are made with them; `since` long ago unless it is said. */
export async function castPeople<Name extends string>(db: Db, parts: Record<Name, Part>, since = new Date("2020-01-01")) {
  const suffix = randomBytes(3).toString("hex");
  const names = Object.keys(parts) as Name[];
  const ids = Object.fromEntries(names.map((name) => [name, `${name}-${suffix}`])) as Record<Name, string>;
  const groups = [...new Set(names.flatMap((name) => parts[name].groups))];
  await db
    .insertInto("groups")
    .values(groups.map((id) => ({ id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto("principals")
    .values(
      names.map((name) => ({
        id: ids[name],
        kind: parts[name].kind ?? ("person" as const),
        roles: parts[name].roles ?? [],
        display_name: name,
      })),
    )
    .execute();
  const members = names.flatMap((name) => parts[name].groups.map((group_id) => ({ group_id, principal_id: ids[name], since })));
  if (members.length > 0) await db.insertInto("group_members").values(members).execute();
  const tokens: Record<string, string> = {};
  for (const name of names) {
    const token = newToken();
    const expiresAt = new Date(Date.now() + 3_600_000);
    const id = `tok_${randomBytes(12).toString("base64url")}`;
    await insertToken(db, { id, principal: ids[name], kind: "api", hash: hashToken(token), name: "test", scopes: [], expiresAt });
    tokens[ids[name]] = token;
  }
  return {
    ids,
    tokens,
    leave: (name: Name, group: string) =>
      db
        .updateTable("group_members")
        .set({ until: new Date() })
        .where("principal_id", "=", ids[name])
        .where("group_id", "=", group)
        .where("until", "is", null)
        .execute(),
    join: (name: Name, group: string) =>
      db.insertInto("group_members").values({ group_id: group, principal_id: ids[name] }).execute(),
  };
}

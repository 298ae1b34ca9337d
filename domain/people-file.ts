import { z } from "zod";
import { digestOfJson } from "./digest.ts";
import type { Fault } from "./errors.ts";
import { principalPattern, type Digest, type PrincipalId } from "./ids.ts";
import type { People, Somebody, WantedPeople } from "./people-rules.ts";
import { roles } from "./principal.ts";

/** As models are called; `$owner` in a policy is no group's name. */
export const groupPattern = /^[a-z][a-z0-9-]{0,62}$/;
export const groupNameSchema = z
  .string()
  .regex(groupPattern, "must begin with a letter, and have small letters, digits and hyphens");
export const principalIdSchema = z
  .string()
  .regex(principalPattern, "must begin with a letter, and have small letters, digits, dots, hyphens and underscores");
export const displayNameSchema = z.string().trim().min(1).max(120);
export const rolesSchema = z.array(z.enum(roles)).max(roles.length);

const entrySchema = z.strictObject({
  name: displayNameSchema.optional().describe("how people call her; the id, where nothing is said"),
  roles: rolesSchema.optional().describe("left out: as they are; of somebody new, none"),
  active: z.boolean().optional().describe("false: has left"),
});

/** A few hundred people fill one file; what is larger is no file that a person reads. */
const mostNamed = 5_000;
const atMost = <Schema extends z.ZodRecord>(schema: Schema) =>
  schema.refine((named) => Object.keys(named).length <= mostNamed, `names more than ${mostNamed}`);

/** The file for those who keep people and groups in git; the API takes the same as JSON. */
export const peopleFileSchema = z
  .strictObject({
    complete: z.boolean().default(false).describe("true: whoever is not named here has left"),
    people: atMost(z.record(principalIdSchema, entrySchema)).default({}),
    machines: atMost(z.record(principalIdSchema, entrySchema)).default({}),
    groups: atMost(z.record(groupNameSchema, z.array(principalIdSchema).max(mostNamed)))
      .default({})
      .describe("exactly these are the members; a group that is not named stays as it is"),
  })
  .refine((file) => Object.keys(file.machines).every((id) => !(id in file.people)), {
    path: ["machines"],
    message: "name somebody who stands among the people too",
  })
  .meta({ id: "PeopleFile" });
export type PeopleFile = z.output<typeof peopleFileSchema>;

export function wantedIn({ complete, people, machines, groups }: PeopleFile): WantedPeople {
  const principals = (entries: PeopleFile["people"], kind: Somebody["kind"]) =>
    Object.entries(entries).map(([id, { name, roles: held, active = true }]) => ({
      id,
      kind,
      active,
      ...(name !== undefined && { displayName: name }),
      ...(held !== undefined && { roles: held }),
    }));
  return { principals: [...principals(people, "person"), ...principals(machines, "machine")], groups, complete };
}

/** What is so at present, as the file that would say it. */
export function fileOf({ principals, groups }: People): PeopleFile {
  const entries = (kind: Somebody["kind"]) =>
    Object.fromEntries(
      principals
        .filter((one) => one.kind === kind && one.active)
        .map((one) => [one.id, { name: one.displayName, roles: one.roles.toSorted() }]),
    );
  return { complete: true, people: entries("person"), machines: entries("machine"), groups };
}

/** Names the state of all people and groups: it changes with every one of them. */
export function stateOf(people: People): Digest {
  return digestOfJson({
    principals: people.principals.map(({ id, kind, displayName, roles: held, active }) => [
      id,
      kind,
      displayName,
      held.toSorted(),
      active,
    ]),
    groups: people.groups,
  });
}

/** Names the members of one group. */
export function groupTag(members: PrincipalId[]): Digest {
  return digestOfJson(members.toSorted());
}

/** Faults of what is wanted, at the places where the file says it. */
export function faultsInFile(file: PeopleFile, faults: Fault[]): Fault[] {
  return faults.map((fault) => {
    const [first, id = ""] = fault.path.split(".");
    if (first !== "principals") return fault;
    const part = id in file.machines ? "machines" : "people";
    return { ...fault, path: fault.path.replace(/^principals/, part) };
  });
}

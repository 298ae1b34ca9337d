import { createHash, randomBytes } from "node:crypto";
import type { Db } from "../db/database.ts";
import {
  forgetSignatures,
  insertLinkCode,
  link,
  readLinkCode,
  readLinked,
  readLinksOf,
  readPersonByEmail,
  takeSignature,
  unlink,
  useLinkCode,
  type SlackPerson,
} from "../db/slack-people.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Caller } from "./caller.ts";

export type { SlackPerson } from "../db/slack-people.ts";

/** Who somebody in Slack is, and what else Slack's requests need of the database. */
export interface SlackDoor {
  /** The linked principal as a caller; null for somebody who is not linked, or was deactivated. */
  callerOf(person: SlackPerson): Promise<Caller | null>;
  /** The address of a one-time link, to be opened in the console while signed in there. */
  beginLink(person: SlackPerson & { userName: string }): Promise<string>;
  /** Whom a link is for. Throws `not-found` for one that was used, is too old, or never was. */
  readLink(code: string): Promise<SlackPerson & { userName: string }>;
  /** Links whoever is signed in. Throws as `readLink`, and `forbidden` for a machine. */
  finishLink(caller: Caller, code: string): Promise<SlackPerson>;
  /** Links by an address that Slack has verified and an admin of ours vouches for. */
  linkByEmail(person: SlackPerson, email: string): Promise<boolean>;
  linksOf(caller: Caller): Promise<SlackPerson[]>;
  unlink(caller: Caller, person: SlackPerson): Promise<boolean>;
  /** False for a request that was taken before, by whichever process. */
  takeRequest(signature: string): Promise<boolean>;
}

const linkMs = 10 * 60_000;
/** Twice the age at which a request is refused anyway. */
const signaturesKeptMs = 10 * 60_000;
/** One deletion in so many requests keeps the table small. */
const forgetOneIn = 50;

export function createSlackDoor({ db, publicUrl }: { db: Db; publicUrl: string }): SlackDoor {
  return {
    async callerOf({ team, user }) {
      const principal = await readLinked(db, { team, user });
      return principal && { principal, surface: "slack", token: { id: `slack:${team}:${user}`, kind: "session", scopes: [] } };
    },
    async beginLink({ team, user, userName }) {
      const code = randomBytes(24).toString("base64url");
      const expiresAt = new Date(Date.now() + linkMs);
      await insertLinkCode(db, { team, user, userName: userName.slice(0, 200), hash: hashOf(code), expiresAt });
      return `${publicUrl.replace(/\/$/, "")}/slack/link?code=${code}`;
    },
    async readLink(code) {
      return (await readLinkCode(db, hashOf(code))) ?? noLink();
    },
    async finishLink(caller, code) {
      if (caller.principal.kind === "machine")
        throw new CountersignError("forbidden", "A machine cannot be linked to a person of Slack.");
      return (await useLinkCode(db, { hash: hashOf(code), principal: caller.principal.id })) ?? noLink();
    },
    async linkByEmail({ team, user }, email) {
      const principal = await readPersonByEmail(db, email);
      if (principal !== null) await link(db, { team, user, principal, how: "directory" });
      return principal !== null;
    },
    linksOf: (caller) => readLinksOf(db, caller.principal.id),
    unlink: (caller, person) => unlink(db, { ...person, principal: caller.principal.id }),
    async takeRequest(signature) {
      if (Math.random() < 1 / forgetOneIn) await forgetSignatures(db, signaturesKeptMs);
      return takeSignature(db, signature);
    },
  };
}

/** The people of a development instance are who they are in its sandbox. */
export async function seedSlackPeople(db: Db, team: string, people: Record<string, string>): Promise<void> {
  for (const [principal, user] of Object.entries(people)) await link(db, { team, user, principal, how: "seed" });
}

function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}

function noLink(): never {
  throw new CountersignError("not-found", "This link was used or is too old. Ask for a new one in Slack: /countersign inbox.");
}

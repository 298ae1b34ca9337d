import type { webApi } from "@slack/bolt";
import type { Caller } from "../control/caller.ts";
import type { SlackDoor } from "../control/slack-door.ts";
import { linkTo } from "./blocks/text.ts";

/** Somebody who acted in Slack, as the request says; what is shown of them decides nothing. */
export interface Actor {
  /** The workspace of the app. */
  team: string;
  user: string;
  /** The person's own workspace: another one in a shared channel. */
  ownTeam: string | null;
}

export type Identified = { caller: Caller } | { sentence: string };

export interface People {
  /** Who it is, or a sentence for that person alone that says why not and what helps. */
  identify(client: webApi.WebClient, actor: Actor): Promise<Identified>;
}

/** What Slack says of a person is asked again after so long: who became a guest or left is refused from then on. */
const keptMs = 60_000;
const mostKept = 5_000;

interface Profile {
  refusal: string | null;
  name: string;
  /** Verified by Slack. */
  email: string | null;
  at: number;
}

export function createPeople(deps: { door: SlackDoor; byDirectory: boolean; now?: () => number }): People {
  const { door, byDirectory, now = Date.now } = deps;
  const profiles = new Map<string, Profile>();

  async function profileOf(client: webApi.WebClient, actor: Actor): Promise<Profile> {
    const key = `${actor.team} ${actor.user}`;
    const kept = profiles.get(key);
    if (kept && now() - kept.at < keptMs) return kept;
    const { user } = await client.users.info({ user: actor.user });
    const profile: Profile = {
      refusal: refusalOf(user ?? {}, actor),
      name: user?.real_name ?? user?.name ?? actor.user,
      email: user?.is_email_confirmed === false ? null : (user?.profile?.email ?? null),
      at: now(),
    };
    if (profiles.size >= mostKept) profiles.clear();
    profiles.set(key, profile);
    return profile;
  }

  return {
    async identify(client, actor) {
      if (actor.ownTeam !== null && actor.ownTeam !== actor.team) return { sentence: words.stranger };
      const person = { team: actor.team, user: actor.user };
      // Side by side: both are on the way to the acknowledgement.
      const [profile, caller] = await Promise.all([profileOf(client, actor).catch(() => null), door.callerOf(person)]);
      if (profile === null) return { sentence: words.unknown };
      if (profile.refusal !== null) return { sentence: profile.refusal };
      if (caller) return { caller };
      if (byDirectory && profile.email !== null && (await door.linkByEmail(person, profile.email))) {
        const linked = await door.callerOf(person);
        if (linked) return { caller: linked };
      }
      const url = await door.beginLink({ ...person, userName: profile.name });
      return {
        sentence: `I do not know yet who you are in Countersign. ${linkTo(url, "Link your account")} while you are signed in there (works once, for ten minutes), then try again.`,
      };
    },
  };
}

const words = {
  stranger: "You are of another workspace, and only members of this one act in Countersign. Ask somebody of the owner team.",
  guest: "Guests cannot act in Countersign. Ask somebody of the owner team, or to be made a full member.",
  bot: "Apps and bots cannot act in Countersign; programs use its API with a token of their own.",
  deactivated: "This account is deactivated, so it cannot act in Countersign.",
  unknown: "Slack did not say who you are, so nothing was done. Try again in a moment, or use the console.",
} as const;

interface SlackUser {
  deleted?: boolean | undefined;
  is_bot?: boolean | undefined;
  is_restricted?: boolean | undefined;
  is_ultra_restricted?: boolean | undefined;
  is_stranger?: boolean | undefined;
  team_id?: string | undefined;
}

function refusalOf(user: SlackUser, actor: Actor): string | null {
  if (user.deleted === true) return words.deactivated;
  if (user.is_bot === true) return words.bot;
  if (user.is_stranger === true || (user.team_id !== undefined && user.team_id !== actor.team)) return words.stranger;
  return user.is_restricted === true || user.is_ultra_restricted === true ? words.guest : null;
}

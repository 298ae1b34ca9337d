import type { Trx } from "../../db/database.ts";
import type { NewDelivery } from "../../db/deliveries.ts";
import { readReachable, readSettings, type Reachable } from "../../db/notify-settings.ts";
import type { Deciders } from "../../domain/policy.ts";
import type { NotifyDeps } from "./deps.ts";

/** Where one notice goes: the way and the place there. A Slack destination is `<team>/<channel or user>`. */
export type Destination = Pick<NewDelivery, "way" | "destination">;

/** The places of the model's owner team, or the defaults. */
export async function teamDestinations(deps: NotifyDeps, trx: Trx, model: string | null): Promise<Destination[]> {
  const team = await ownerTeamOf(trx, model);
  const settings = team === null ? null : await readSettings(trx, team);
  const slack =
    settings?.slack_team && settings.slack_channel
      ? { team: settings.slack_team, channel: settings.slack_channel }
      : deps.defaults.slack;
  const emails = settings && settings.emails.length > 0 ? settings.emails : deps.defaults.emails;
  return usable(deps, [
    ...(slack ? [{ way: "slack" as const, destination: `${slack.team}/${slack.channel}` }] : []),
    ...emails.map((address) => ({ way: "email" as const, destination: address })),
    ...(settings?.webhook_url ? [{ way: "webhook" as const, destination: settings.team }] : []),
  ]);
}

async function ownerTeamOf(trx: Trx, model: string | null): Promise<string | null> {
  if (model === null) return null;
  const row = await trx.selectFrom("models").select("owner_team").where("name", "=", model).executeTakeFirst();
  return row?.owner_team ?? null;
}

/** The ways to the people who may decide: those who want to be told themselves, or all where `everybody` is asked for. */
export async function deciderDestinations(
  deps: NotifyDeps,
  trx: Trx,
  who: { deciders: Deciders; escalatedTo: string[]; excluded: string[]; everybody?: boolean },
): Promise<Destination[]> {
  const { deciders, escalatedTo, excluded, everybody = false } = who;
  const groups = [...deciders.groups, ...(deciders.oneFromEach ?? []), ...escalatedTo];
  const people = await readReachable(trx, { groups, people: deciders.people ?? [] });
  const asked = people.filter((one) => (everybody || one.direct) && !excluded.includes(one.principal));
  return usable(
    deps,
    asked.flatMap((one) => ownPlace(deps, one)),
  );
}

/** In Slack where the person is linked, else by mail. */
function ownPlace(deps: NotifyDeps, { slack, email }: Reachable): Destination[] {
  if (slack && deps.carriers.slack) return [{ way: "slack", destination: `${slack.team}/${slack.user}` }];
  return email === null ? [] : [{ way: "email", destination: email }];
}

/** Each place once, and only by ways that are set up. */
function usable(deps: NotifyDeps, destinations: Destination[]): Destination[] {
  const seen = new Set<string>();
  return destinations.filter(({ way, destination }) => {
    const key = `${way} ${destination}`;
    if (deps.carriers[way] === undefined || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

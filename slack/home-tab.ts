import type { webApi } from "@slack/bolt";
import { homeView, strangerHome } from "./blocks/home.ts";
import type { SlackDeps } from "./deps.ts";
import type { Actor } from "./people.ts";

/** Publishes the person's home tab as things stand. */
export async function publishHome(deps: SlackDeps, client: webApi.WebClient, actor: Actor): Promise<void> {
  const identified = await deps.people.identify(client, actor);
  if (!("caller" in identified)) {
    await client.views.publish({ user_id: actor.user, view: strangerHome(identified.sentence) });
    return;
  }
  const { caller } = identified;
  const [waiting, running, models] = await Promise.all([
    deps.control.gates(caller, { limit: 50, state: "open", mine: true }),
    deps.control.releases(caller, { limit: 100, underWay: true }),
    deps.control.models(caller, { limit: 100 }),
  ]);
  const view = homeView({
    name: caller.principal.displayName,
    console: deps.publicUrl,
    waiting,
    running,
    models,
  });
  await client.views.publish({ user_id: actor.user, view });
}

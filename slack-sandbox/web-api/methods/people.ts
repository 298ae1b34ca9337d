import { z } from "zod";
import { appId, appName, botId, botUserId, teamId, teamName } from "../../workspace/seed.ts";
import { count, defineMethod, flag, type Api } from "../method.ts";
import { page } from "../paging.ts";
import { userShape } from "../shapes.ts";
import { SlackError } from "../slack-error.ts";

const shown = (api: Api) => ({
  withEmail: api.workspace.state.scopes.includes("users:read.email"),
  now: api.workspace.now(),
});

const info = defineMethod({
  tier: 4,
  scopes: ["users:read"],
  args: z.object({ user: z.string().min(1), include_locale: flag }),
  run(api, args) {
    const user = api.workspace.user(args.user);
    if (user === undefined) throw new SlackError("user_not_found");
    return { user: userShape(user, shown(api)) };
  },
});

const list = defineMethod({
  tier: 2,
  scopes: ["users:read"],
  args: z.object({
    cursor: z.string().optional(),
    limit: count(200, 1_000),
    include_locale: flag,
    team_id: z.string().optional(),
  }),
  run(api, args) {
    const own = api.workspace.state.users.filter((user) => user.team_id === teamId);
    const { items, response_metadata } = page(own, args);
    return {
      members: items.map((user) => userShape(user, shown(api))),
      cache_ts: Math.floor(api.workspace.now() / 1_000),
      response_metadata,
    };
  },
});

const lookupByEmail = defineMethod({
  tier: 3,
  scopes: ["users:read.email"],
  args: z.object({ email: z.string().min(1) }),
  run(api, args) {
    // One who left, or of another workspace, is not found.
    const user = api.workspace.state.users.find(
      (one) => one.email?.toLowerCase() === args.email.toLowerCase() && !one.deleted && !one.is_stranger,
    );
    if (user === undefined) throw new SlackError("users_not_found");
    return { user: userShape(user, shown(api)) };
  },
});

const authTest = defineMethod({
  tier: "special",
  scopes: [],
  args: z.object({}),
  run(api) {
    return {
      url: `${api.url}/`,
      team: teamName,
      user: "countersign",
      team_id: teamId,
      user_id: botUserId,
      bot_id: botId,
      is_enterprise_install: false,
    };
  },
});

const botInfo = defineMethod({
  tier: 3,
  scopes: ["users:read"],
  args: z.object({ bot: z.string().optional(), team_id: z.string().optional() }),
  run(_api, args) {
    if (args.bot !== undefined && args.bot !== botId) throw new SlackError("bot_not_found");
    return {
      bot: { id: botId, deleted: false, name: appName, updated: 1_700_000_000, app_id: appId, user_id: botUserId, icons: {} },
    };
  },
});

export const peopleMethods = {
  "users.info": info,
  "users.list": list,
  "users.lookupByEmail": lookupByEmail,
  "auth.test": authTest,
  "bots.info": botInfo,
};

import type { SandboxChannel, SandboxUser, WorkspaceState } from "./model.ts";

export const teamId = "T07COUNTER1";
export const teamName = "Countersign sandbox";
export const teamDomain = "countersign-sandbox";
const partnerTeamId = "T09PARTNER1";
export const appId = "A07COUNTER1";
export const appName = "Countersign";
export const botId = "B07COUNTER1";
export const botUserId = "U07COUNTERB";

export const personNames = ["ada", "ben", "grace", "george", "pia", "olga", "ci", "gus", "stan", "dora", "mallory"] as const;
export type PersonName = (typeof personNames)[number];
export const channelNames = [
  "ml-approvals",
  "product",
  "ml-alerts",
  "general",
  "partners",
  "random",
  "risk",
  "old-models",
] as const;
export type ChannelName = (typeof channelNames)[number];

/** What an app like Countersign asks for in its manifest. */
export const defaultScopes = [
  "chat:write",
  "commands",
  "users:read",
  "users:read.email",
  "channels:read",
  "channels:join",
  "channels:history",
  "groups:read",
  "groups:history",
  "im:write",
  "im:history",
  "files:write",
  "reactions:write",
];

function person(name: PersonName, its: Partial<SandboxUser> & { number: number }): SandboxUser {
  const shown = name.charAt(0).toUpperCase() + name.slice(1);
  const { number, ...rest } = its;
  return {
    id: `U07PERSON${String(number).padStart(2, "0")}`,
    team_id: teamId,
    name,
    real_name: shown,
    display_name: shown,
    email: `${name}@example.com`,
    tz: "Europe/London",
    deleted: false,
    is_bot: false,
    is_restricted: false,
    is_stranger: false,
    is_admin: false,
    ...rest,
  };
}

/** The people of a development instance, and those who must be refused however they are named. */
export function seedUsers(): SandboxUser[] {
  return [
    person("ada", { number: 1, real_name: "Ada Marsh", tz: "Europe/Berlin" }),
    person("ben", { number: 2, real_name: "Ben Okafor", tz: "Europe/Berlin" }),
    person("grace", { number: 3, real_name: "Grace Lindqvist", tz: "Europe/London" }),
    person("george", { number: 4, real_name: "George Tan", tz: "America/New_York" }),
    person("pia", { number: 5, real_name: "Pia Rossi", tz: "Asia/Tokyo" }),
    person("olga", { number: 6, real_name: "Olga Petrova", tz: "UTC", is_admin: true }),
    person("ci", { number: 7, real_name: "CI", email: null, is_bot: true, tz: "UTC" }),
    person("gus", { number: 8, real_name: "Gus (guest)", is_restricted: true }),
    person("stan", {
      number: 9,
      real_name: "Stan (partner)",
      team_id: partnerTeamId,
      is_stranger: true,
      email: "stan@partner.example",
    }),
    person("dora", { number: 10, real_name: "Dora (left)", deleted: true }),
    // Shows herself under another's name: names decide nothing.
    person("mallory", { number: 11, real_name: "Grace Lindqvist", display_name: "Grace" }),
    person("ci", {
      number: 12,
      id: botUserId,
      name: "countersign",
      real_name: appName,
      display_name: appName,
      email: null,
      is_bot: true,
      tz: "UTC",
    }),
  ];
}

/** The one of that name; `stan` and the others are found by `name`. */
export function userNamed(users: SandboxUser[], name: PersonName): SandboxUser {
  const found = users.find((user) => user.name === name);
  if (found === undefined) throw new Error(`No seeded user ${name}.`);
  return found;
}

const topics: Record<ChannelName, string> = {
  "ml-approvals": "Models that wait for a decision",
  product: "Product and models",
  "ml-alerts": "Drift, rollbacks, canaries",
  general: "Everybody",
  partners: "Shared with another workspace",
  random: "The app is not here",
  risk: "Private; the app is not here",
  "old-models": "Archived",
};

function seedChannels(users: SandboxUser[]): SandboxChannel[] {
  const own = users.filter((user) => !user.is_stranger && !user.deleted && user.id !== botUserId).map((user) => user.id);
  const id = (name: PersonName) => userNamed(users, name).id;
  const membersOf: Record<ChannelName, string[]> = {
    "ml-approvals": [botUserId, ...own],
    product: [botUserId, ...own],
    "ml-alerts": [botUserId, ...own],
    general: [botUserId, ...own],
    partners: [botUserId, id("ada"), id("pia"), id("stan"), id("gus")],
    random: own,
    risk: [id("grace"), id("george"), id("olga")],
    "old-models": [botUserId, ...own],
  };
  return channelNames.map((name, index) => ({
    id: `C07CHANNEL${index + 1}`,
    name,
    is_private: name === "risk",
    is_archived: name === "old-models",
    is_ext_shared: name === "partners",
    im: null,
    members: membersOf[name],
    topic: topics[name],
  }));
}

export function seedState(): WorkspaceState {
  const users = seedUsers();
  return {
    users,
    channels: seedChannels(users),
    messages: [],
    files: [],
    homes: [],
    read: {},
    newestTs: 0,
    counter: 0,
    scopes: [...defaultScopes],
  };
}

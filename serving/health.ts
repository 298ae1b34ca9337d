import type { SlotFollower } from "./slot-follower.ts";

export interface ServingHealth {
  /** `degraded`: everything that has a champion is answered, though not by the newest one everywhere. `down`: something is not answered. */
  status: "up" | "degraded" | "down";
  causes: string[];
  database: { up: boolean; since: string; error: string | null };
  /** How many slots have a champion, and how many of those serve it. */
  slots: { wanted: number; serving: number };
}

/** Broken versions degrade and do not take the process out: the champion before them goes on serving. */
export function readHealth(follower: SlotFollower): ServingHealth {
  const database = follower.database();
  const wanted = follower.slots().filter((slot) => slot.wanted.version !== null);
  const causes: string[] = [];
  let down = !database.up;
  if (down) causes.push(`The database does not answer: ${database.error ?? "no cause is known"}`);
  for (const { model, environment, serving, fault, wanted: want } of wanted) {
    if (serving !== null && fault === null) continue;
    if (serving === null) down = true;
    const instead = serving === null ? "nothing serves" : `${serving.version} goes on serving`;
    if (fault === null) causes.push(`${want.version} is being loaded for ${model} in ${environment}; ${instead} until then.`);
    else causes.push(`${fault.version} is refused for ${model} in ${environment} (${fault.code}): ${fault.message} ${instead}.`);
  }
  return {
    status: down ? "down" : causes.length > 0 ? "degraded" : "up",
    causes,
    database,
    slots: {
      wanted: wanted.length,
      serving: wanted.filter(({ serving, epoch, wanted: want }) => serving !== null && epoch === want.epoch).length,
    },
  };
}

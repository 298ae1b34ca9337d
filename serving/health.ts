import type { DatabaseState, SlotFollower } from "./slot-follower.ts";

export interface ServingHealth {
  /** `degraded`: a champion could not be loaded or is not approved, and the one before it answers, or nobody; or a record behind its approval is missing. `down`: nothing is answered. */
  status: "up" | "degraded" | "down";
  causes: string[];
  database: DatabaseState;
  /** How many slots have a champion, and how many of those serve it. */
  slots: { wanted: number; serving: number };
}

/** Broken versions degrade and do not take the process out: the champions before them, and the other models', go on serving. */
export function readHealth(follower: SlotFollower): ServingHealth {
  const database = follower.database();
  const wanted = follower.slots().filter((slot) => slot.wanted.version !== null);
  const causes: string[] = [];
  if (database.up !== true) causes.push(`The database does not answer: ${database.error ?? "it was not asked yet"}.`);
  for (const { model, environment, serving, doubt, fault, wanted: want } of wanted) {
    if (serving !== null && doubt !== null)
      causes.push(`${serving.version} serves ${model} in ${environment}, and its approval cannot be verified in full: ${doubt}`);
    if (serving !== null && fault === null) continue;
    const instead = serving === null ? "nothing serves" : `${serving.version} goes on serving`;
    if (fault === null) causes.push(`${want.version} is being loaded for ${model} in ${environment}; ${instead} until then.`);
    else causes.push(`${fault.version} is refused for ${model} in ${environment} (${fault.code}): ${fault.message} ${instead}.`);
  }
  const silent = wanted.length > 0 && wanted.every(({ serving }) => serving === null);
  return {
    status: database.up !== true || silent ? "down" : causes.length > 0 ? "degraded" : "up",
    causes,
    database,
    slots: {
      wanted: wanted.length,
      serving: wanted.filter(({ serving, epoch, wanted: want }) => serving !== null && epoch === want.epoch).length,
    },
  };
}

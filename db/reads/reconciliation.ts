import { workflowIds } from "../../domain/ids.ts";
import type { Db } from "../database.ts";

/** The workflow ids of all models, releases and gates that the database knows. */
export async function readKnown(db: Db): Promise<Set<string>> {
  const [models, releases, gates] = await Promise.all([
    db.selectFrom("models").select("name").execute(),
    db.selectFrom("releases").select("id").execute(),
    db.selectFrom("gates").select("id").execute(),
  ]);
  return new Set([
    ...models.map(({ name }) => workflowIds.lifecycle(name)),
    ...releases.map(({ id }) => workflowIds.release(id)),
    ...gates.map(({ id }) => workflowIds.gate(id)),
  ]);
}

/** The workflow ids of what the database holds to be under way. */
export async function readAlive(db: Db): Promise<string[]> {
  const [models, releases, gates] = await Promise.all([
    db.selectFrom("models").select("name").execute(),
    db.selectFrom("releases").select("id").where("state", "in", ["running", "waiting", "blocked"]).execute(),
    db.selectFrom("gates").select("id").where("state", "=", "open").execute(),
  ]);
  return [
    ...models.map(({ name }) => workflowIds.lifecycle(name)),
    ...releases.map(({ id }) => workflowIds.release(id)),
    ...gates.map(({ id }) => workflowIds.gate(id)),
  ];
}

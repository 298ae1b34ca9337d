import { z } from "zod";
import { commandEntries, entryOf, type AboutOf } from "../../domain/commands/catalogue.ts";
import type { CommandEntry } from "../../domain/commands/entry.ts";
import { pendingSchema } from "../../domain/http/gate-views.ts";
import type { CommandKind } from "../../domain/signed-command.ts";
import type { AskedFor } from "../../control/commands/command.ts";
import { pendingAnswer, sendAnswer } from "../answers.ts";
import { idempotencyKey, ifMatchOf, readCommand, readDefinitionText } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type ApiContext, type ApiRoute, type RouteTable } from "../routing.ts";

/** One route for each kind of command, from its entry in `domain/commands/`. */
export function commandRoutes(table: RouteTable, deps: ApiDeps): void {
  // The keys of the table of all kinds.
  for (const kind of Object.keys(commandEntries) as CommandKind[]) commandRoute(table, deps, kind);
}

function commandRoute(table: RouteTable, { control }: ApiDeps, kind: CommandKind): void {
  const entry = entryOf(kind);
  addRoute(table, routeOf(entry), async (c) => {
    const about = Object.fromEntries([...entry.path.matchAll(/\{(.+?)\}/g)].map(([, name = ""]) => [name, param(c, name)]));
    const sent = entry.isDocument ? await readDocument(c) : await readCommand(c);
    // The names are those of the entry's path, and what is sent has the form that `isDocument` says.
    const asked = { caller: c.get("caller"), about: about as AboutOf<CommandKind>, sent } as AskedFor<CommandKind>;
    const answer = await control.run(kind, asked);
    return sendAnswer(answer, answer.kind === "done" && entry.location ? { location: entry.location(about, answer.value) } : {});
  });
}

async function readDocument(c: ApiContext) {
  return { ...(await readDefinitionText(c)), key: idempotencyKey(c), ifMatch: ifMatchOf(c) };
}

function routeOf(entry: CommandEntry): ApiRoute<z.ZodObject> {
  const { method, path, tag, summary, description, request, value } = entry;
  const answers: ApiRoute<z.ZodObject>["answers"] = { 202: pendingAnswer };
  for (const [status, said] of Object.entries(entry.answers))
    answers[Number(status)] = {
      description: said,
      schema: status === "202" ? z.union([value, pendingSchema]) : value,
    };
  return {
    method,
    path,
    tag,
    summary,
    ...(description !== undefined && { description }),
    body: { schema: request, ...(entry.isDocument && { types: ["application/json", "application/yaml"] }) },
    command: true,
    answers,
    refusals: [...entry.refusals],
  };
}

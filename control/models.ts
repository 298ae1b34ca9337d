import { driftInWords } from "../domain/drift-words.ts";
import { modelExists, readDefinition, readModelFacts, readModels, type ModelFacts, type ModelRow } from "../db/reads/models.ts";
import { modelNamePattern, type ModelName } from "../domain/ids.ts";
import type { ModelItemView, ModelView } from "../domain/http/model-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { mayDo } from "../domain/principal.ts";
import type { Caller } from "./caller.ts";
import type { PageInput } from "./filters.ts";
import { pageOf, placeOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { modelLinks } from "./links.ts";
import { listScopeOf, notFound, requireScope, scopeOf } from "./read-rights.ts";

export async function listModels(context: ControlContext, caller: Caller, page: PageInput): Promise<Page<ModelItemView>> {
  requireScope(caller, "read");
  const rows = await readModels(context.db, await listScopeOf(context, caller.principal), {
    limit: page.limit + 1,
    after: placeOf(page.after),
  });
  const facts = await readModelFacts(
    context.db,
    rows.map((row) => row.name),
  );
  return pageOf(rows, page.limit, {
    item: (row) => itemOf(context, caller, { row, facts }),
    cursor: (row) => [row.place, row.name],
  });
}

/** Throws `not-found`. */
export async function readModel(context: ControlContext, caller: Caller, model: ModelName): Promise<ModelView> {
  requireScope(caller, "read");
  const found = await findRow(context, caller, model);
  if (!found) throw notFound("model", model);
  const definition = await readDefinition(context.db, found.row);
  if (!definition) throw new Error(`${model} has no definition.`);
  return { ...itemOf(context, caller, found), definition: definition.body };
}

/** For commands, which need no right to read the definition. Throws `not-found`. */
export async function needModel(context: ControlContext, caller: Caller, model: ModelName): Promise<ModelItemView> {
  const found = await findModel(context, caller, model);
  if (!found) throw notFound("model", model);
  return found;
}

export async function findModel(context: ControlContext, caller: Caller, model: ModelName): Promise<ModelItemView | null> {
  const found = await findRow(context, caller, model);
  return found && itemOf(context, caller, found);
}

export function nameTaken(context: ControlContext, model: ModelName): Promise<boolean> {
  return modelExists(context.db, model);
}

interface Found {
  row: ModelRow;
  facts: ModelFacts;
}

async function findRow(context: ControlContext, caller: Caller, model: ModelName): Promise<Found | null> {
  if (!modelNamePattern.test(model)) return null;
  const [row] = await readModels(context.db, scopeOf(caller.principal), { limit: 1, after: null, name: model });
  return row ? { row, facts: await readModelFacts(context.db, [model]) } : null;
}

function itemOf(context: ControlContext, caller: Caller, { row, facts }: Found): ModelItemView {
  return {
    model: row.name,
    title: row.title,
    owner: { team: row.owner_team, person: row.owner_person },
    tier: row.tier,
    maturity: row.maturity,
    state: row.state,
    definitionDigest: row.definition_digest,
    slots: facts.slots
      .filter((slot) => slot.model === row.name)
      .map(({ environment, epoch, champion_version: version, champion_since: since }) => ({
        environment,
        epoch,
        champion: version !== null && since !== null ? { version, since: since.toISOString() } : null,
        canary: null,
        shadow: null,
        lapsed: lapsedOf(facts.lapsed.find((one) => one.model === row.name && one.environment === environment)),
      })),
    waiting: facts.waiting
      .filter((one) => one.model === row.name)
      .map(({ gate, about, ask, deadline }) => ({ gate, about, ask, deadline })),
    retired: row.state === "retired" ? retiredOf(facts.retired.find((one) => one.model === row.name)) : null,
    activeRelease: facts.active.find((release) => release.model === row.name)?.id ?? null,
    findings: findingsOf(facts.windows.filter((window) => window.model === row.name)),
    breakGlass: breakGlassOf(facts.breakGlass.find((one) => one.model === row.name)),
    actions: actionsOf(caller, row),
    updatedAt: row.updated_at.toISOString(),
    links: modelLinks(context, row.name),
  };
}

function lapsedOf(found: ModelFacts["lapsed"][number] | undefined): ModelItemView["slots"][number]["lapsed"] {
  return found ? { version: found.version, at: found.at.toISOString(), why: found.why } : null;
}

function retiredOf(found: ModelFacts["retired"][number] | undefined): ModelItemView["retired"] {
  return found ? { at: found.at.toISOString(), by: found.by, reason: found.reason, gate: found.gate } : null;
}

function breakGlassOf(counted: ModelFacts["breakGlass"][number] | undefined): ModelItemView["breakGlass"] {
  const { open = [], overdue = 0, total = 0 } = counted ?? {};
  return { open: open.length, overdue, total, reviews: open };
}

export function findingsOf(windows: ModelFacts["windows"]): ModelItemView["findings"] {
  return windows
    .filter((window) => window.body.verdict === "drift")
    .map(({ environment, at, body }) => {
      const columns = body.columns.filter((column) => column.verdict === "alert").map(driftInWords);
      return {
        kind: "drift",
        message: `In ${environment}, ${body.rows} predictions drift from the training data in ${columns.join(", ")}.`,
        at: at.toISOString(),
      };
    });
}

function actionsOf(caller: Caller, row: ModelRow): ModelItemView["actions"] {
  const { principal } = caller;
  if (row.state === "retired") return [];
  const may: [ModelItemView["actions"][number], boolean][] = [
    ["release", mayDo(principal, "release") && row.state === "active"],
    ["define", mayDo(principal, "define") && principal.groups.includes(row.owner_team)],
    ["rollback", mayDo(principal, "rollback")],
    ["pause", mayDo(principal, "pause") && row.state === "active"],
    ["resume", mayDo(principal, "pause") && row.state === "paused"],
    ["retire", mayDo(principal, "pause")],
    ["break-glass", mayDo(principal, "break-glass") && principal.kind === "person"],
  ];
  return may.filter(([, allowed]) => allowed).map(([action]) => action);
}

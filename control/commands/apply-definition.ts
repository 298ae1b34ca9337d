import { readOwner } from "../../db/reads/people.ts";
import { definitionWaits, hasSubjectCommand } from "../../db/reads/policies.ts";
import { checkDefinition, faultInWords } from "../../domain/definition-check.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { DefinitionAppliedView, ModelItemView } from "../../domain/http/model-views.ts";
import { modelNamePattern, type ModelName } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { lifecycleCommandUpdate } from "../../workflows/messages.ts";
import type { Answer, Outcome } from "../answer.ts";
import type { Caller } from "../caller.ts";
import { finishCommand, lifecycleGone, refuseOnRecord, signed } from "../command-run.ts";
import type { DefinitionSent } from "../filters.ts";
import type { ControlContext } from "../deps.ts";
import { runOnce } from "../idempotency.ts";
import { findModel, nameTaken } from "../models.ts";
import { notFound, requireScope, roleRefusal } from "../read-rights.ts";
import { unstorable } from "../request-body.ts";
import { routeOf, type AskedFor, type Command } from "./command.ts";

/**
 * Registers a model or changes its definition. The definition is checked whole, with all faults
 * told at once; its canonical JSON goes into the artifact store, and only its digest is signed.
 */
export const applyDefinition: Command<"apply-definition"> = { run: apply, finish: finishApply };

async function apply(context: ControlContext, asked: AskedFor<"apply-definition">): Promise<Answer<DefinitionAppliedView>> {
  const { caller, about, sent } = asked;
  const { model } = about;
  requireScope(caller, "define");
  if (!modelNamePattern.test(model)) throw notFound("model", model);
  const present = await findModel(context, caller, model);
  // A name that is taken by a model that one may not see cannot be registered anew.
  if (!present && (await nameTaken(context, model))) throw notFound("model", model);
  const definition = await checked(context, model, sent);
  const digest = digestOfJson(definition);
  const { ifMatch } = sent;
  const once = { caller, route: routeOf("apply-definition", about), key: sent.key, body: { digest, ifMatch } };
  return runOnce(context, once, async (begun) => {
    const refusal =
      roleRefusal(caller.principal, "define") ?? ownerRefusal(caller, present, definition) ?? matchRefusal(present, ifMatch);
    if (refusal)
      return refuseOnRecord(context, {
        caller,
        kind: "apply-definition",
        subject: model,
        model: present ? model : null,
        error: refusal,
      });
    // Applied again, it takes back a change that waits at its gate, and has its command kept where none is.
    const isInForce = present?.definitionDigest === digest && !(await definitionWaits(context.db, model));
    if (isInForce && (await hasSubjectCommand(context.db, digest)))
      return { kind: "done", status: 200, value: { model, definitionDigest: digest, gate: null, governed: [] } };
    await context.store.putJson(definition);
    return finishApply(
      context,
      await signed(context, { begun, caller, body: { kind: "apply-definition", model, definition: digest } }),
    );
  });
}

function finishApply(context: ControlContext, command: CommandOf<"apply-definition">): Promise<Outcome<DefinitionAppliedView>> {
  const { model, definition } = command.body;
  return finishCommand<CommandOf<"apply-definition">["body"], DefinitionAppliedView>(context, command, {
    to: { model },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    outcome: async (result) => {
      const gate = typeof result["gate"] === "string" ? result["gate"] : null;
      // As the activity wrote it; one of an earlier version of the product knew no governed changes.
      const governed = (Array.isArray(result["governed"]) ? result["governed"] : []) as DefinitionAppliedView["governed"];
      const status = gate !== null ? 202 : result["created"] === true ? 201 : 200;
      const told = governed.map(({ path, direction, sentence }) => ({ path, direction, sentence }));
      return { kind: "done", status, value: { model, definitionDigest: definition, gate, governed: told } };
    },
  });
}

/** Throws `invalid` with every fault, each with its line and column. */
async function checked(context: ControlContext, model: ModelName, sent: DefinitionSent): Promise<ResolvedDefinition> {
  const { definition, faults } = checkDefinition(sent.text, { format: sent.format, filesAllowed: false });
  const all = [...faults];
  if (definition) all.push(...unstorable(definition), ...(await ownerFaults(context, model, definition)));
  if (definition && all.length === 0) return definition;
  const count = `${all.length} fault${all.length === 1 ? "" : "s"}`;
  throw new CountersignError(
    "invalid",
    `The definition has ${count}: ${all
      .slice(0, 5)
      .map((one) => faultInWords(one).replace(/\.$/, ""))
      .join("; ")}${all.length > 5 ? "; …" : "."}`,
    { faults: all },
  );
}

async function ownerFaults(context: ControlContext, model: ModelName, definition: ResolvedDefinition): Promise<Fault[]> {
  const { team, person } = definition.owner;
  const known = await readOwner(context.db, definition.owner);
  return [
    ...(definition.model === model ? [] : [{ path: "model", message: `is ${definition.model}, but it was sent for ${model}` }]),
    ...(known.team ? [] : [{ path: "owner.team", message: `names no known group (${team})` }]),
    ...(known.person ? [] : [{ path: "owner.person", message: `names no known person (${person})` }]),
  ];
}

/** Only the owner team changes a model: the present one, where there is one. */
function ownerRefusal(caller: Caller, present: ModelItemView | null, definition: ResolvedDefinition): CountersignError | null {
  const team = present?.owner.team ?? definition.owner.team;
  if (caller.principal.groups.includes(team)) return null;
  return new CountersignError("forbidden", `Only members of ${team}, who own ${definition.model}, may change it.`);
}

function matchRefusal(present: ModelItemView | null, ifMatch: string | null): CountersignError | null {
  if (ifMatch === null) return null;
  if (present && (ifMatch === "*" || ifMatch === present.definitionDigest)) return null;
  const is = present ? `its definition is ${present.definitionDigest}` : "there is none yet";
  return new CountersignError("precondition-failed", `If-Match names another definition: ${is}.`);
}

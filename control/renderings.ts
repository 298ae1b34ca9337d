import { gateVisible } from "../db/reads/gates.ts";
import { keepRendering } from "../db/renderings.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";

/**
 * Keeps what a surface is about to show of a gate, by its digest: a decision that carries it as `seen`
 * is provably about that very page or message. Gives the digest. Throws `not-found`.
 */
export async function keepRendered(
  context: ControlContext,
  caller: Caller,
  rendered: { gate: GateId; mediaType: string; text: string },
): Promise<Digest> {
  requireScope(caller, "read");
  const { gate, mediaType, text } = rendered;
  if (!(await gateVisible(context.db, scopeOf(caller.principal), gate))) throw notFound("gate", gate);
  const digest = await context.store.put(text);
  await keepRendering(context.db, { gate, digest, mediaType, surface: caller.surface, to: caller.principal.id });
  return digest;
}

import { digestOfJson } from "../../domain/digest.ts";
import { isAudited } from "../../db/audit.ts";
import { currentCall } from "./current-call.ts";
import type { RecordDeps } from "./deps.ts";
import { storableText } from "./storable.ts";
import { inTransaction, type Unit } from "./transaction.ts";

/** A message is remembered with this much of what it said. */
const claimedCharacters = 500;
const subjectCharacters = 200;

export interface RefusedMessage {
  /** The id of the workflow, release, gate or model that it was sent to. */
  subject: string;
  model: string | null;
  /** What kind of message: update, signal, start, a command's kind. */
  message: string;
  claimed: string;
  why: string;
}

/**
 * Puts on record what came without a valid token. Nobody is named as the actor, because nothing
 * proves who sent it. The same message in the same activity is told once, however often it is tried.
 */
export async function noteRefusedMessage(unit: Unit, refused: RefusedMessage): Promise<void> {
  const { model, message, why } = refused;
  const subject = storableText(refused.subject).slice(0, subjectCharacters);
  const claimed = storableText(refused.claimed).slice(0, claimedCharacters);
  const fingerprint = digestOfJson({ subject, message, claimed: storableText(refused.claimed), why, call: currentCall() });
  if (await isAudited(unit.trx, { kind: "message.refused", subject, key: "fingerprint", value: fingerprint })) return;
  unit.note({ kind: "message.refused", actor: "unknown", model, subject, data: { message, claimed, why, fingerprint } });
}

/** For what a workflow was sent and could not make sense of, or what was a false report. */
export async function refuseMessage(
  deps: RecordDeps,
  input: { workflow: string; message: string; claimed: string; why: string },
): Promise<void> {
  const { workflow, message, claimed, why } = input;
  await inTransaction(deps.db, (unit) => noteRefusedMessage(unit, { subject: workflow, model: null, message, claimed, why }));
}

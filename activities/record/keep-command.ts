import type { Digest } from "../../domain/ids.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { RecordDeps } from "./deps.ts";
import type { Unit } from "./transaction.ts";

/**
 * Keeps the command that put a definition or a policy in force, one for each. One that waits at a gate is not kept: when it
 * is approved, the decisions speak for it, and when it is not, nobody finds a signature for it.
 */
export async function keepCommand(
  { verifier }: Pick<RecordDeps, "verifier">,
  { trx }: Unit,
  { command, digest }: { command: CommandOf<"apply-definition"> | CommandOf<"propose-policy">; digest: Digest },
): Promise<void> {
  const kept = await trx.selectFrom("subject_commands").select("command").where("digest", "=", digest).execute();
  if (kept.some((row) => verifier.verify(row.command))) return;
  await trx
    .insertInto("subject_commands")
    .values({ command_id: command.id, digest, command: JSON.stringify(command) })
    .execute();
}

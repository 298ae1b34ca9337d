import type { Row } from "../db/schema.ts";
import { CountersignError } from "../domain/errors.ts";
import type { CommandVerifier } from "./verify-command.ts";
import type { Approved } from "./approval.ts";

/** The approval that a command makes; from its id, so that one command makes one. */
export function breakGlassApprovalId(command: string): string {
  return `apr_${command.replace(/^cmd_/, "")}`;
}

/**
 * A promotion by break-glass stands on the command of who broke it: signed by control, about exactly
 * this version and environment, and used for this approval alone. Throws `not-signed`.
 */
export function verifyBreakGlass(
  verifier: CommandVerifier,
  {
    approval,
    version,
    environment,
  }: { approval: Row<"approvals">; version: Pick<Row<"versions">, "id" | "model" | "digest">; environment: string },
): Approved {
  const { command } = approval;
  const body = command?.body;
  const isTrue =
    command !== null &&
    body?.kind === "break-glass" &&
    body.action === "promote" &&
    body.model === version.model &&
    body.version === version.id &&
    // Commands of earlier versions of the product name the version by its id only.
    (body.digest === undefined || body.digest === version.digest) &&
    body.environment === environment &&
    approval.id === breakGlassApprovalId(command.id) &&
    verifier.verify(command);
  if (!isTrue || body?.kind !== "break-glass")
    throw new CountersignError("not-signed", `The break-glass approval of ${version.id} does not carry the token that it needs.`);
  return { approval, by: command.principal, because: `By break-glass of ${command.principal}: ${body.reason}`, doubt: null };
}

import type { Row } from "../db/schema.ts";
import { CountersignError } from "../domain/errors.ts";
import { isWorseThanChampion } from "../domain/evaluation-verdict.ts";

/**
 * What no policy approves, whoever asks for the deployment: a version that was never evaluated, one that failed,
 * and, where no person was asked, one that is worse than its champion. Throws `never-approved`.
 */
export function demandEvaluation(
  { id, evaluation }: Pick<Row<"versions">, "id" | "evaluation">,
  { asked }: { asked: boolean },
): void {
  if (evaluation === null) throw new CountersignError("never-approved", `${id} was never evaluated.`);
  if (evaluation.verdict === "fail") throw new CountersignError("never-approved", `${id} failed its evaluation.`);
  if (!asked && isWorseThanChampion(evaluation))
    throw new CountersignError("never-approved", `${id} is worse than the champion, and nobody was asked about it.`);
}

import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Row } from "../../db/schema.ts";
import type { Evaluation } from "../../domain/evidence.ts";

/** What a version's evaluation found; or why its report cannot be read, which must not hold up what cannot wait. */
export type EvaluationRead = { evaluation: Evaluation | null; unreadable: string | null };

export async function readEvaluation(
  store: ArtifactStore,
  { id, evaluation_digest: digest }: Pick<Row<"versions">, "id" | "evaluation_digest">,
): Promise<EvaluationRead> {
  if (digest === null) return { evaluation: null, unreadable: null };
  try {
    return { evaluation: await store.getJson<Evaluation>(digest), unreadable: null };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const unreadable = `${id} was evaluated, but the report (${digest}) cannot be read, so nothing of it is shown here: ${why}`;
    return { evaluation: null, unreadable };
  }
}

import type { Answer } from "../control/answer.ts";
import { CountersignError } from "../domain/errors.ts";
import { problemOf, type Problem } from "../domain/http/problem.ts";
import { plain } from "./blocks/text.ts";

/** The outcome is not known, or nothing was taken: Slack gets no acknowledgement, and the person its own error. */
export class NotAcknowledged extends Error {
  readonly sentence: string;
  constructor(sentence: string) {
    super(sentence);
    this.name = "NotAcknowledged";
    this.sentence = sentence;
  }
}

export type Done<Value> = { kind: "done"; value: Value } | { kind: "refused"; problem: Problem };

/**
 * A command's answer as this surface takes it: done and refused are acknowledged and told; what is
 * pending, and what could not be taken at present, is not. Bad input that was told before anything
 * began is a refusal like any other.
 */
export async function outcomeOf<Value>(command: () => Promise<Answer<Value>>): Promise<Done<Value>> {
  try {
    const answer = await command();
    if (answer.kind === "pending")
      throw new NotAcknowledged(
        "It is not known yet whether that arrived. The message tells as soon as it is; a second click does no harm.",
      );
    return answer;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === "unavailable" || error.code === "internal" || error.code === "key-in-use")
      throw new NotAcknowledged(`Nothing was decided: ${plain(error.message, 500)} Try again in a moment.`);
    return { kind: "refused", problem: problemOf(error).body };
  }
}

/** One clear sentence, with what helps where the sentence does not say it. */
export function refusalInWords(problem: Problem): string {
  return [plain(problem.detail, 1_500), ...(problem.cure === "" ? [] : [plain(problem.cure, 300)])].join(" ");
}

import { createHmac, timingSafeEqual } from "node:crypto";
import { sealedText, type SealedStage, type StageQuestions } from "../domain/stage-seal.ts";

export interface StageSealer {
  seal(text: string): string;
  /** Never throws: what comes over Temporal may be anything. */
  verify(text: string, seal: unknown): boolean;
}

/** 32 bytes in base64, which the workers of the queues `stages` and `lifecycle` share, and no trainer sees. HMAC-SHA256. */
export function createStageSealer({ key }: { key: string }): StageSealer {
  const secret = Buffer.from(key, "base64");
  if (secret.byteLength !== 32) throw new Error("The key of the stages' seals must be 32 bytes in base64.");
  const macOf = (text: string) => createHmac("sha256", secret).update(text).digest();
  return {
    seal: (text) => macOf(text).toString("base64url"),
    verify(text, seal) {
      if (typeof seal !== "string") return false;
      const given = Buffer.from(seal, "base64url");
      const expected = macOf(text);
      return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
    },
  };
}

/** A stage's activity whose results say, under seal, for which release and of what they were made. */
export function sealing<Stage extends SealedStage, Result extends object>(
  sealer: StageSealer,
  stage: Stage,
  work: (asked: StageQuestions[Stage]) => Promise<Result>,
): (asked: StageQuestions[Stage]) => Promise<Result & { seal: string }> {
  return async (asked) => {
    const result = await work(asked);
    return { ...result, seal: sealer.seal(sealedText({ stage, asked, result })) };
  };
}

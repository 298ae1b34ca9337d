import { createStageSealer } from "../../activities/stage-seal.ts";

/** The stages' workers of all tests. */
export const testSealer = createStageSealer({ key: Buffer.alloc(32, "stages").toString("base64") });

import { createArtifactReader } from "./artifact-reader.ts";
import { createArtifactWriter } from "./artifact-writer.ts";
import { createSeenHead } from "./seen-head.ts";

/**
 * Bytes by their SHA-256, in `<directory>/sha256/ab/<hex>`. A file appears under its name only
 * when it is whole and on disk, and never changes afterwards; any number of processes may put
 * the same bytes at once.
 */
export type ArtifactStore = ReturnType<typeof createArtifactStore>;

export function createArtifactStore({ directory }: { directory: string }) {
  return { ...createArtifactWriter(directory), ...createArtifactReader(directory), ...createSeenHead(directory) };
}

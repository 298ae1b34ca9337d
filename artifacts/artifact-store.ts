import { takeIn } from "./artifact-inbox.ts";
import { createArtifactReader } from "./artifact-reader.ts";
import { createArtifactWriter } from "./artifact-writer.ts";
import { createLiveTexts } from "./live-texts.ts";
import { createSeenHead } from "./seen-head.ts";

/**
 * Bytes by their SHA-256, in `<directory>/sha256/ab/<hex>`. A file appears under its name only
 * when it is whole and on disk, and never changes afterwards; any number of processes may put
 * the same bytes at once.
 */
export type ArtifactStore = ReturnType<typeof createArtifactStore>;

export interface ArtifactPlaces {
  directory: string;
  /** Written to instead of `directory`, by a process that must not be able to change what others wrote. */
  outbox?: string | undefined;
  /** The outbox of such a process: what is asked for and lies only there is taken in, after its bytes gave its digest. */
  inbox?: string | undefined;
}

export function createArtifactStore({ directory, outbox, inbox }: ArtifactPlaces) {
  const writer = createArtifactWriter(outbox ?? directory);
  const reader = createArtifactReader(directory, {
    ...(outbox !== undefined && { beside: outbox }),
    ...(inbox !== undefined && { takeIn: (digest) => takeIn({ inbox, directory, digest }) }),
  });
  return { ...writer, ...reader, ...createLiveTexts(outbox ?? inbox ?? directory), ...createSeenHead(directory) };
}

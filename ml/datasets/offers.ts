import type { FileHandle } from "node:fs/promises";
import type { Encoding, SourceDefinition, SourceFormat } from "../../domain/definition-schema.ts";
import type { StageTools } from "../stage-tools.ts";

/** A file that a source can have: of the data root, of a server, or the answer of a database. */
export interface Offer {
  /** As the definition names it, its pattern resolved; people read it. */
  name: string;
  /** Where it lies, as the key under which its last reading is remembered; null when it must be read each time. */
  place: string | null;
  format: SourceFormat;
  encoding: Encoding;
  /**
   * Brings its bytes to a local file, below `scratch` where they come from elsewhere. `known` is the
   * fingerprint of the last reading: where it still fits, nothing is read. Throws `source-missing`,
   * `source-unreadable`, `transient`.
   */
  bring(known: string | null, scratch: string, tools: StageTools): Promise<Brought>;
}

export type Brought =
  | { unchanged: true }
  /** The file is a path, or already open and the receiver's to close. `fingerprint` tells these bytes from others without reading them; null when nothing does. */
  | { unchanged: false; file: string | FileHandle; fingerprint: string | null };

/** Months as 2013-03, and the moments between which they lie: [from, until). */
export interface Months {
  months: string[];
  from: string;
  until: string;
}

/** What a source asks for: one location, its `{month}` resolved, or a query. */
export interface SourceRequest {
  source: string;
  definition: SourceDefinition;
  location: string | null;
  months: Months | null;
  signal: AbortSignal;
}

/** Offers of sources that are not below the data root. */
export type RemoteOffers = (request: SourceRequest) => Promise<Offer[]>;

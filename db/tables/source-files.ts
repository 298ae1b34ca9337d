import type { Digest } from "../../domain/ids.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import type { JsonText, TimeOfWriting } from "./columns.ts";

export interface SourceFilesTable {
  place: string;
  fingerprint: string;
  digest: Digest;
  bytes: number;
  content: JsonText<Pick<SourceManifest, "format" | "rows" | "columns">>;
  read_at: TimeOfWriting;
}

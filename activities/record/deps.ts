import type { Client } from "@temporalio/client";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Db } from "../../db/database.ts";
import type { SearchAttributes } from "../search-attributes.ts";
import type { StageSealer } from "../stage-seal.ts";
import type { CommandVerifier } from "../../approvals/verify-command.ts";

/** What the record activities work with. A worker without them (`train`) cannot write a record. */
export interface RecordDeps {
  db: Db;
  store: ArtifactStore;
  verifier: CommandVerifier;
  /** Of the stages' results. */
  sealer: Pick<StageSealer, "verify">;
  /** For hints, and for the watch, which asks Temporal whether runs live. */
  temporalClient?: Client;
  searchAttributes?: Pick<SearchAttributes, "ready">;
}

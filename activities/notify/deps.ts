import type { Db } from "../../db/database.ts";
import type { Carrier } from "../../domain/carrier.ts";
import type { MessageWay } from "../../domain/notices.ts";

export interface NotifyDeps {
  db: Db;
  /** The ways that are set up; for others nothing is planned. */
  carriers: Partial<Record<MessageWay, Carrier>>;
  /** Where teams without settings of their own are told. */
  defaults: { slack: { team: string; channel: string } | null; emails: string[] };
  /** Origins for the links in messages. */
  links: { publicUrl: string; temporalUi: string | null; namespace: string };
}

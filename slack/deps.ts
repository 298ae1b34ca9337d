import type { Caller } from "../control/caller.ts";
import type { Control } from "../control/control.ts";
import type { SlackDoor } from "../control/slack-door.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { People } from "./people.ts";
import type { Workspaces } from "./workspaces.ts";

export interface SlackLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface SlackDeps {
  /** With limits that fit Slack's three seconds. */
  control: Control;
  door: SlackDoor;
  workspaces: Workspaces;
  people: People;
  /** Keeps what of a gate was clicked on; its digest goes with the decision. Null where it could not be kept. */
  keepShown(caller: Caller, shown: { gate: GateId; what: string | null }): Promise<Digest | null>;
  /** Origin of the console. */
  publicUrl: string;
  slackApiUrl: string | null;
  log: SlackLog;
}

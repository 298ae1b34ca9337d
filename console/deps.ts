import type { Control } from "../control/control.ts";
import type { SlackDoor } from "../control/slack-door.ts";
import type { Caller } from "../control/caller.ts";

export interface ConsoleDeps {
  control: Control;
  /**
   * A development instance's seeded people and their tokens (tokens.json), so that signing in is one
   * button. Null everywhere else; the server gives it on loopback alone.
   */
  developmentTokens: (() => Promise<Record<string, string>>) | null;
  /** Where people of Slack are linked; without it there is no Slack. */
  slackDoor?: SlackDoor;
  now(): Date;
  /** Where faults of our own are told; standard error, where nothing is given. */
  log?: { error(facts: Record<string, unknown>, message: string): void };
}

/** What the middleware has found out by the time a page is made. */
export interface ConsoleEnv {
  Variables: {
    nonce: string;
    caller: Caller;
    /** Of this session; forms carry it. */
    csrf: string;
  };
}

import type { z } from "zod";
import type { CommandKind } from "../signed-command.ts";
import type { CommandEntry, ParameterOf } from "./entry.ts";
import { closeFindingEntry, decideEntry, withdrawDecisionEntry } from "./gates.ts";
import {
  applyDefinitionEntry,
  breakGlassEntry,
  pauseEntry,
  requestReleaseEntry,
  resumeEntry,
  retireEntry,
  rollbackEntry,
} from "./models.ts";
import { proposePolicyEntry, reproduceEntry } from "./policies-and-versions.ts";
import { unblockEntry, withdrawReleaseEntry } from "./releases.ts";

/** Every kind of command, once. A kind that has no entry doesn't compile. */
export const commandEntries = {
  "apply-definition": applyDefinitionEntry,
  "request-release": requestReleaseEntry,
  rollback: rollbackEntry,
  "break-glass": breakGlassEntry,
  pause: pauseEntry,
  resume: resumeEntry,
  retire: retireEntry,
  unblock: unblockEntry,
  "withdraw-release": withdrawReleaseEntry,
  decide: decideEntry,
  "withdraw-decision": withdrawDecisionEntry,
  "close-finding": closeFindingEntry,
  reproduce: reproduceEntry,
  "propose-policy": proposePolicyEntry,
} satisfies Record<CommandKind, unknown>;

type EntryOf<Kind extends CommandKind> = (typeof commandEntries)[Kind];
/** What a command is about, by the names in its path. */
export type AboutOf<Kind extends CommandKind> = Record<ParameterOf<EntryOf<Kind>["path"]>, string>;
export type RequestOf<Kind extends CommandKind> = z.output<EntryOf<Kind>["request"]>;
export type ValueOf<Kind extends CommandKind> = z.output<EntryOf<Kind>["value"]>;

/** The entry of a kind that is known only when the program runs: its types are those that every entry has. */
export function entryOf(kind: CommandKind): CommandEntry {
  return commandEntries[kind];
}

/** The path with what it is about filled in. */
export function pathOf(path: string, about: Record<string, string>, written: (text: string) => string = (text) => text): string {
  return path.replaceAll(/\{(.+?)\}/g, (_, name: string) => written(about[name] ?? ""));
}

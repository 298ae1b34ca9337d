import type { Outcome } from "../delivery/outcome.ts";
import { writeAnswer, type Place } from "../delivery/response-urls.ts";
import { SlackError } from "../web-api/slack-error.ts";
import type { SandboxMessage } from "../workspace/model.ts";
import { findChannel, findUser, type Scene } from "./context.ts";
import { commandForm } from "./payloads.ts";

export type CommandOutcome = Outcome & { answer: SandboxMessage | null };

const failures: Record<NonNullable<Outcome["error"]>, string> = {
  timeout: "operation_timeout",
  http_error: "dispatch_failed",
  connection_failed: "dispatch_failed",
  no_url: "dispatch_unknown_error",
};

/** Types a slash command; its answer, or Slack's own error, is seen by this person. */
export async function runCommand(
  scene: Scene,
  { as, channel: where, text, command = "/countersign" }: { as: string; channel: string; text: string; command?: string },
): Promise<CommandOutcome> {
  const { workspace } = scene;
  const user = findUser(workspace, as);
  const channel = findChannel(workspace, where);
  if (!user.deleted && !channel.members.includes(user.id)) throw new Error(`${user.name} is not in ${where}.`);
  const triggerId = scene.triggers.make(user.id);
  const place: Place = { user: user.id, channel: channel.id, threadTs: null, original: null, triggerId };
  const responseUrl = scene.responseUrls.make(place, "commands");
  const payload = commandForm({ user, channel, command, text, responseUrl, triggerId });
  const sent = await scene.deliverer.send({ kind: "command", payload });
  const fail = (error: string) => {
    workspace.addMessage({
      channel: channel.id,
      user: "USLACKBOT",
      text: `${command} failed with the error "${error}"`,
      ephemeral_for: user.id,
    });
    return { ...sent, triggerId, answer: null };
  };
  if (sent.error !== null) return fail(failures[sent.error]);
  if (sent.body.trim() === "") return { ...sent, triggerId, answer: null };
  try {
    return { ...sent, triggerId, answer: writeAnswer(workspace, place, readAnswer(sent.body)) };
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    scene.complain(`command: the answer is not taken, ${error.code} ${JSON.stringify(error.extra["errors"] ?? "")}`);
    return fail("invalid_command_response");
  }
}

/** JSON, or plain text as it is. */
function readAnswer(body: string): unknown {
  try {
    const given: unknown = JSON.parse(body);
    return typeof given === "object" && given !== null ? given : { text: body };
  } catch {
    return { text: body };
  }
}

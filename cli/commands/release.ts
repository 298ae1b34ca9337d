import type { Command } from "commander";
import type { ReleaseRequestedView } from "../../domain/http/release-views.ts";
import type { RolledBackView } from "../../domain/http/model-views.ts";
import { unblockActions } from "../../domain/signed-command.ts";
import { durationInWords } from "../../domain/wording.ts";
import { collect, connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { readParameters } from "../parameters.ts";
import { watchRelease } from "../watch.ts";

const why = ["--reason <why>", "why, in a few words; it is kept on record"] as const;
const set = ["--set <name=value>", "for this release alone: until, months, seed, train.<name>, limits.<name>"] as const;

export function addReleaseCommands(program: Command, context: Context): void {
  addRelease(program, context);
  addUnblock(program, context);
  addRollback(program, context);
}

function addRelease(program: Command, context: Context): void {
  program
    .command("release")
    .description("request a release of a model")
    .argument("<model>")
    .requiredOption(...why)
    .option(...set, collect, [])
    .option("--watch", "follow it until it ends")
    .action(async (model: string, options: { reason: string; set: string[]; watch?: boolean }, command: Command) => {
      const parameters = readParameters(options.set);
      const api = await connect(command, context);
      const path = `/api/models/${segment(model)}/releases`;
      const { body } = await api.send<ReleaseRequestedView>(path, { reason: options.reason, parameters });
      say(command, context, {
        body,
        words: ({ release, folded, links }) =>
          `${folded ? `Your request went into ${release}, which was there already.` : `${release} begins.`}\nFollow it: countersign show ${release} --watch\n           ${links.console}`,
      });
      if (options.watch === true) await watchRelease(body.release, { api, command, context });
    });
}

interface UnblockOptions {
  retry?: boolean;
  skip?: boolean;
  abandon?: boolean;
  reason: string;
  set: string[];
}

function addUnblock(program: Command, context: Context): void {
  program
    .command("unblock")
    .description("say what next when a stage failed for good")
    .argument("<release>")
    .option("--retry", "try the stage again")
    .option("--skip", "go on without it, where the policy allows that")
    .option("--abandon", "end the release")
    .requiredOption(...why)
    .option(...set, collect, [])
    .action(async (release: string, options: UnblockOptions, command: Command) => {
      const actions = unblockActions.filter((one) => options[one] === true);
      const [action] = actions;
      if (action === undefined || actions.length > 1)
        throw new CliError(exitCodes.badInput, "Say one of --retry, --skip and --abandon.");
      const parameters = readParameters(options.set);
      const api = await connect(command, context);
      const path = `/api/releases/${segment(release)}/unblock`;
      const { body } = await api.send<unknown>(path, { action, reason: options.reason, parameters });
      const said = {
        retry: `${release} tries the stage again.`,
        skip: `${release} goes on without the stage.`,
        abandon: `${release} is abandoned.`,
      };
      say(command, context, { body, words: () => said[action] });
    });
}

interface RollbackOptions {
  to?: string;
  environment: string;
  reason: string;
}

function addRollback(program: Command, context: Context): void {
  program
    .command("rollback")
    .description("put the previous champion, or a named version approved before, back into service")
    .argument("<model>")
    .option("--to <version>", "the version to go back to; left out: the champion before this one")
    .option("--environment <name>", "the slot", "production")
    .requiredOption(...why)
    .action(async (model: string, { to, environment, reason }: RollbackOptions, command: Command) => {
      const api = await connect(command, context);
      const started = performance.now();
      const request = { environment, reason, ...(to === undefined ? {} : { to }) };
      const { body } = await api.send<RolledBackView>(`/api/models/${segment(model)}/rollback`, request);
      const tookMs = performance.now() - started;
      say(command, context, {
        body,
        words: ({ deployment }) =>
          `${deployment.version} serves ${deployment.environment} again (epoch ${deployment.epoch}), after ${durationInWords(tookMs)}.`,
      });
    });
}

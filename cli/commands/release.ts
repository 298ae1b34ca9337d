import type { Command } from "commander";
import type { ReleaseRequestedView } from "../../domain/http/release-views.ts";
import type { DefinitionAppliedView, RolledBackView } from "../../domain/http/model-views.ts";
import { gateIdPattern } from "../../domain/ids.ts";
import { collect, connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { readParameters } from "../parameters.ts";
import { watchRelease } from "../watch.ts";

const why = ["--reason <why>", "why, in a few words; it is kept on record"] as const;
const set = ["--set <name=value>", "for this release alone: until, months, seed, train.<name>, limits.<name>"] as const;

export function addReleaseCommands(program: Command, context: Context): void {
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
      const { body } = await api.send<ReleaseRequestedView>(`/api/models/${segment(model)}/releases`, {
        reason: options.reason,
        parameters,
      });
      say(command, context, {
        body,
        words: ({ release, folded, links }) =>
          `${folded ? `Your request went into ${release}, which was there already.` : `${release} begins.`}\nFollow it: countersign show ${release} --watch\n           ${links.console}`,
      });
      if (options.watch === true) await watchRelease(body.release, { api, command, context });
    });

  program
    .command("unblock")
    .description("say what next when a stage failed for good")
    .argument("<release>")
    .option("--retry", "try the stage again")
    .option("--skip", "go on without it, where the policy allows that")
    .option("--abandon", "end the release")
    .requiredOption(...why)
    .option(...set, collect, [])
    .action(
      async (
        release: string,
        options: {
          retry?: boolean;
          skip?: boolean;
          abandon?: boolean;
          reason: string;
          set: string[];
        },
        command: Command,
      ) => {
        const actions = (["retry", "skip", "abandon"] as const).filter((action) => options[action] === true);
        const [action] = actions;
        if (action === undefined || actions.length > 1)
          throw new CliError(exitCodes.badInput, "Say one of --retry, --skip and --abandon.");
        const parameters = readParameters(options.set);
        const api = await connect(command, context);
        const { body } = await api.send<unknown>(`/api/releases/${segment(release)}/unblock`, {
          action,
          reason: options.reason,
          parameters,
        });
        const said = {
          retry: `${release} tries the stage again.`,
          skip: `${release} goes on without the stage.`,
          abandon: `${release} is abandoned.`,
        };
        say(command, context, { body, words: () => said[action] });
      },
    );

  program
    .command("withdraw")
    .description("take back a release, or your own decision on an open gate")
    .argument("<id>", "a release or a gate")
    .requiredOption(...why)
    .action(async (id: string, options: { reason: string }, command: Command) => {
      const api = await connect(command, context);
      const ofGate = gateIdPattern.test(id);
      const path = ofGate ? `/api/gates/${segment(id)}/withdrawals` : `/api/releases/${segment(id)}/withdraw`;
      const { body } = await api.send<unknown>(path, { reason: options.reason });
      say(command, context, {
        body,
        words: () => (ofGate ? `Your decision on ${id} is taken back.` : `${id} is withdrawn.`),
      });
    });

  program
    .command("rollback")
    .description("put the previous champion, or a named version approved before, back into service")
    .argument("<model>")
    .option("--to <version>", "the version to go back to; left out: the champion before this one")
    .option("--environment <name>", "the slot", "production")
    .requiredOption(...why)
    .action(async (model: string, options: { to?: string; environment: string; reason: string }, command: Command) => {
      const api = await connect(command, context);
      const started = performance.now();
      const { to, environment, reason } = options;
      const { body } = await api.send<RolledBackView>(`/api/models/${segment(model)}/rollback`, {
        environment,
        reason,
        ...(to === undefined ? {} : { to }),
      });
      const tookMs = performance.now() - started;
      say(command, context, {
        body,
        words: ({ deployment }) =>
          `${deployment.version} serves ${deployment.environment} again (epoch ${deployment.epoch}), after ${Math.round(tookMs)} ms.`,
      });
    });

  for (const [action, said] of [
    ["pause", "is paused: it takes no new release"],
    ["resume", "takes releases again"],
    ["retire", "is retired"],
  ] as const) {
    program
      .command(action)
      .description(`${action} a model`)
      .argument("<model>")
      .requiredOption(...why)
      .action(async (model: string, options: { reason: string }, command: Command) => {
        const api = await connect(command, context);
        const { body } = await api.send<DefinitionAppliedView>(`/api/models/${segment(model)}/${action}`, {
          reason: options.reason,
        });
        say(command, context, { body, words: () => `${model} ${said}.` });
      });
  }
}

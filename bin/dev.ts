/**
 * `npm start`: a development instance on this machine, all parts real, each a supervised process,
 * and the example's release shown on it. Started by bin/start.mjs, which sees to what it needs.
 */
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { ConfigError, readConfig } from "./config.ts";
import { createDisplay, seconds, type Display } from "./dev/display.ts";
import { startInstance, takeHome, type InstanceOptions } from "./dev/instance.ts";
import { HomeTakenError } from "./dev/lock.ts";
import { runMainJob, type MainJobEnd, type Until } from "./dev/main-job.ts";
import { whenStopped } from "./dev/stop-signals.ts";

interface Arguments {
  until?: Until;
  timeout: number;
}

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

function readArguments(): Arguments {
  const wholeSeconds = (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("must be a whole number of seconds.");
    return value;
  };
  const program = new Command("npm start --")
    .description(
      "Starts Countersign on this machine and shows the life of a model on it. Ctrl-C ends it; its state stays in .countersign/.",
    )
    .addOption(
      new Option(
        "--until <what>",
        "end with exit code 0 when the release waits for a person (gate), or when it serves (served)",
      ).choices(["gate", "served"]),
    )
    .option("--timeout <seconds>", "with --until: end with exit code 1 after that long", wholeSeconds, 900);
  program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  return program.parse().opts<Arguments>();
}

function readOptions(): InstanceOptions {
  const config = readConfig(process.env, ["COUNTERSIGN_TEMPORAL_CLI"]);
  return {
    root,
    homeFolder: config.COUNTERSIGN_HOME,
    temporalCli: config.COUNTERSIGN_TEMPORAL_CLI,
    dataRoot: config.COUNTERSIGN_DATA_ROOT,
    logLevel: config.COUNTERSIGN_LOG_LEVEL,
    ports: {
      api: config.COUNTERSIGN_API_PORT,
      serving: config.COUNTERSIGN_SERVING_PORT,
      temporal: config.COUNTERSIGN_TEMPORAL_PORT,
      temporalUi: config.COUNTERSIGN_TEMPORAL_UI_PORT,
      postgres: config.COUNTERSIGN_POSTGRES_PORT,
    },
  };
}

/** Resolves with the end of the main job, or with why it cannot be waited for any longer. */
async function followJob(
  options: InstanceOptions,
  parts: {
    args: Arguments;
    instance: Awaited<ReturnType<typeof startInstance>>;
    display: Display;
    signal: AbortSignal;
  },
): Promise<MainJobEnd> {
  const { args, instance, display, signal } = parts;
  const job = runMainJob({
    endpoints: instance.endpoints,
    tokens: instance.tokens,
    homeFolder: instance.home.folder,
    dataRoot: options.dataRoot,
    root,
    until: args.until ?? null,
    display,
    signal,
  }).catch((error: unknown): MainJobEnd => ({
    reached: false,
    message: `the example: ${error instanceof Error ? error.message : String(error)}`,
  }));
  if (args.until === undefined) return job;
  const overdue = sleep(args.timeout * 1_000, undefined, { signal, ref: false }).then(
    () => ({ reached: false as const, message: `not there after ${args.timeout} s` }),
    () => job,
  );
  return Promise.race([job, overdue]);
}

/** Runs the instance until its end and gives the exit code. */
async function run(args: Arguments, options: InstanceOptions, display: Display): Promise<number> {
  const startedAt = performance.now();
  const signal = whenStopped();
  const stopped = new Promise<"stopped">((resolve) => signal.addEventListener("abort", () => resolve("stopped")));
  const { home, supervisor, teardown } = await takeHome(options, display);
  const failed = supervisor.failed.then(({ message }) => ({ reached: false as const, message }));
  const starting = startInstance(options, { home, supervisor, display });
  try {
    const instance = await Promise.race([starting, stopped]);
    if (instance === "stopped") return args.until === undefined ? 0 : 130;
    display.line(
      `ready after ${seconds(performance.now() - startedAt)}: console ${instance.endpoints.console}, Temporal ${instance.endpoints.temporalUi}, state in ${home.folder}`,
    );
    const end = await Promise.race([followJob(options, { args, instance, display, signal }), failed, stopped]);
    if (end === "stopped") return args.until === undefined ? 0 : 130;
    if (args.until !== undefined || !end.reached) {
      if (!end.reached) display.line(`✗ ${end.message}`);
      if (args.until !== undefined) return end.reached ? 0 : 1;
    }
    display.line("Everything goes on running; Ctrl-C ends it, and the next start goes on from here.");
    const later = await Promise.race([failed, stopped]);
    if (later === "stopped") return 0;
    display.line(`✗ ${later.message}`);
    return 1;
  } finally {
    await display.step("stopped all processes", async () => {
      await teardown.end();
      await starting.catch(() => undefined);
    });
  }
}

const display = createDisplay(process.stdout);
try {
  process.exitCode = await run(readArguments(), readOptions(), display);
} catch (error) {
  const isOwnMessage = error instanceof ConfigError || error instanceof HomeTakenError || error instanceof Error;
  display.line(isOwnMessage ? `✗ ${error.message}` : String(error));
  process.exitCode = 1;
} finally {
  display.close();
}
process.exit();

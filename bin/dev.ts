/**
 * `npm start`: a development instance on this machine, all parts real, each a supervised process,
 * and the example's release shown on it. Started by bin/start.mjs, which sees to what it needs.
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { readConfig } from "./config.ts";
import { guardedRoot } from "./guarded-root.ts";
import { createDisplay, seconds, type Display } from "./dev/display.ts";
import { startInstance, takeHome, type Instance, type InstanceOptions } from "./dev/instance.ts";
import { runMainJob, type MainJobEnd, type Until } from "./dev/example/main-job.ts";
import type { Supervisor } from "./dev/supervision/supervisor.ts";
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

/** An instance has its own database and Temporal: what the environment says of others, for another program perhaps, is not for it. */
const othersOwn = ["DATABASE_URL", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_UI_URL"];

/** Definitions name files below it: a folder that holds data, and neither the checkout nor the instance's home. */
const examples = join(root, "examples");

async function readOptions(display: Display): Promise<InstanceOptions> {
  const ignored = othersOwn.filter((name) => process.env[name]);
  if (ignored.length > 0)
    display.line(`  ${ignored.join(", ")} not used: a development instance has its own database and Temporal`);
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !othersOwn.includes(name)));
  const config = readConfig(own, ["COUNTERSIGN_TEMPORAL_CLI"]);
  const dataRoot = resolve(config.COUNTERSIGN_DATA_ROOT ?? examples);
  const trainersRoot = resolve(config.COUNTERSIGN_TRAINERS_ROOT ?? dataRoot);
  const roots = { ...config, COUNTERSIGN_DATA_ROOT: dataRoot, COUNTERSIGN_TRAINERS_ROOT: trainersRoot };
  await guardedRoot(roots, "COUNTERSIGN_TRAINERS_ROOT");
  return {
    root,
    homeFolder: config.COUNTERSIGN_HOME,
    temporalCli: config.COUNTERSIGN_TEMPORAL_CLI,
    dataRoot,
    trainersRoot,
    data: await guardedRoot(roots, "COUNTERSIGN_DATA_ROOT"),
    protectedPaths: config.COUNTERSIGN_PROTECTED.map((path) => resolve(path)),
    logLevel: config.COUNTERSIGN_LOG_LEVEL,
    ports: {
      api: config.COUNTERSIGN_API_PORT,
      serving: config.COUNTERSIGN_SERVING_PORT,
      temporal: config.COUNTERSIGN_TEMPORAL_PORT,
      temporalUi: config.COUNTERSIGN_TEMPORAL_UI_PORT,
      temporalHttp: config.COUNTERSIGN_TEMPORAL_HTTP_PORT,
      temporalMetrics: config.COUNTERSIGN_TEMPORAL_METRICS_PORT,
      postgres: config.COUNTERSIGN_POSTGRES_PORT,
      slack: config.COUNTERSIGN_SLACK_SANDBOX_PORT,
    },
  };
}

/** Why it all ends, and with which exit code. */
interface Ending {
  code: number;
  message: string | null;
}

const interruptedExitCode = 130;

/** Follows the example's release to where a script wants it; without a script it goes on until something else ends it. */
async function runJob(
  options: InstanceOptions,
  parts: { args: Arguments; instance: Instance; display: Display; signal: AbortSignal },
): Promise<Ending> {
  const { args, instance, display, signal } = parts;
  const { endpoints, tokens, home } = instance;
  const job = { endpoints, tokens, homeFolder: home.folder, data: options.data, root, until: args.until ?? null };
  const end = await runMainJob({ ...job, display, signal }).catch((error: unknown): MainJobEnd => {
    return { reached: false, message: `the example: ${error instanceof Error ? error.message : String(error)}` };
  });
  if (args.until !== undefined) return end.reached ? { code: 0, message: null } : { code: 1, message: end.message };
  if (!end.reached && !signal.aborted) display.line(`✗ ${end.message}`);
  return new Promise(() => undefined);
}

/** What ends it from outside: a signal, a process that was given up, the time that a script has. */
function outsideEndings(
  args: Arguments,
  { signal, supervisor }: { signal: AbortSignal; supervisor: Supervisor },
): Promise<Ending>[] {
  const isScript = args.until !== undefined;
  const stopped = new Promise<Ending>((resolve) => {
    const stop = () => resolve({ code: isScript ? interruptedExitCode : 0, message: null });
    // It may have come while the leftovers of an earlier start were being ended.
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
  });
  const failed = supervisor.failed.then(({ message }): Ending => ({ code: 1, message }));
  if (!isScript) return [stopped, failed];
  const overdue = sleep(args.timeout * 1_000, undefined, { ref: false });
  return [stopped, failed, overdue.then((): Ending => ({ code: 1, message: `not there after ${args.timeout} s` }))];
}

/** Runs the instance until its end and gives the exit code. */
async function run(args: Arguments, options: InstanceOptions, display: Display): Promise<number> {
  const startedAt = performance.now();
  const signal = whenStopped();
  const { home, supervisor, teardown } = await takeHome(options, display);
  const starting = startInstance(options, { home, supervisor, display });
  const running = starting.then(async (instance) => {
    const { console, temporalUi, slackSandbox } = instance.endpoints;
    const took = seconds(performance.now() - startedAt);
    const slack = slackSandbox === null ? "" : `, Slack sandbox ${slackSandbox}`;
    display.line(`ready after ${took}: console ${console}, Temporal ${temporalUi}${slack}, state in ${home.folder}`);
    if (args.until === undefined) display.line("Ctrl-C ends all of it; the next start goes on from there.");
    return runJob(options, { args, instance, display, signal });
  });
  try {
    const { code, message } = await Promise.race([running, ...outsideEndings(args, { signal, supervisor })]);
    if (message !== null) display.line(`✗ ${message}`);
    return code;
  } finally {
    await display.step("stopped all processes", async () => {
      await teardown.end();
      await starting.catch(() => undefined);
    });
  }
}

const display = createDisplay(process.stdout);
try {
  process.exitCode = await run(readArguments(), await readOptions(display), display);
} catch (error) {
  display.line(`✗ ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  display.close();
}
process.exit();

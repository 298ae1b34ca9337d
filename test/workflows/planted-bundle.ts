import { fileURLToPath } from "node:url";
import { defaultPayloadConverter } from "@temporalio/common";
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from "@temporalio/worker";
import type { Recorded } from "./history-features.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Plant {
  name: string;
  file: string;
  find: string;
  /** In place of it; the expression `planted` is true when this one is chosen. */
  put: string;
}

/** The workflows with all planted changes, of which none is chosen yet: one bundle for all takes as long as one for one. */
export function bundlePlanted(plants: Plant[]): Promise<WorkflowBundleWithSourceMap> {
  const edits = plants.map(({ name, file, find, put }) => ({
    file,
    find,
    put: put.replaceAll("planted", `(__PLANT__ === ${JSON.stringify(name)})`),
  }));
  const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, log() {} };
  return bundleWorkflowCode({
    workflowsPath: path("../../workflows/index.ts"),
    workflowInterceptorModules: [path("continued.ts")],
    logger: silent,
    webpackConfigHook: (config) => {
      const loader = { loader: path("plant-loader.mjs"), options: { edits } };
      const rule = { test: /\/workflows\/[a-z-]+\.ts$/, enforce: "pre" as const, use: [loader] };
      return { ...config, module: { ...config.module, rules: [...(config.module?.rules ?? []), rule] } };
    },
  });
}

export function choose({ code }: { code: string }, plant: string): { code: string } {
  // A name that nothing declares: webpack would work out a comparison of two texts by itself.
  return { code: code.replaceAll("__PLANT__", JSON.stringify(plant)) };
}

/** Why today's code, or a planted one, is not what left this history; null when it is. */
export async function whyDifferent(bundle: { code: string }, { workflowId, history }: Recorded): Promise<string | null> {
  let handedOn: string | null = null;
  const fn = (_info: unknown, args: string) => void (handedOn = args);
  try {
    const sinks = { continued: { with: { fn, callDuringReplay: true } } };
    await Worker.runReplayHistory({ workflowBundle: bundle, sinks }, history, workflowId);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const recorded = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.input?.payloads;
  if (!recorded) return null;
  const before = JSON.stringify(recorded.map((payload) => defaultPayloadConverter.fromPayload(payload)));
  return handedOn === before ? null : `It hands on ${String(handedOn)}, and handed on ${before}.`;
}

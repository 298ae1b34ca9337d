import { loadavg } from "node:os";
import { quantile } from "../running-instance.ts";

export const tell = (text: string) => process.stdout.write(`${text}\n`);
export const secondsSince = (beganMs: number) => ((performance.now() - beganMs) / 1000).toFixed(1);
/** How busy the machine is, by whomever: a number without it says little. */
export const load = () => `load ${(loadavg()[0] ?? 0).toFixed(1)}`;
export const spread = (values: number[]) =>
  `p50 ${quantile(values, 0.5).toFixed(0)} ms, p99 ${quantile(values, 0.99).toFixed(0)} ms`;

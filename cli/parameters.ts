import { releaseParametersSchema } from "../domain/http/requests.ts";
import { valueAt } from "../domain/loose-value.ts";
import { schemaFaults } from "../domain/schema-faults.ts";
import { pathInWords } from "../domain/definition-text.ts";
import type { ReleaseParameters } from "../domain/stage-results.ts";
import { CliError, exitCodes } from "./exit.ts";

/**
 * `--set until=2013-06 --set train.l2=3 --set limits.memoryMb=4096` as release parameters.
 * Throws a CliError that names every mistake at once.
 */
export function readParameters(settings: string[]): ReleaseParameters {
  const value: Record<string, unknown> = {};
  const faults: { path: string; message: string }[] = [];
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    const path = setting.slice(0, equals).split(".");
    if (equals < 1 || path.includes("") || path.length > 2)
      faults.push({ path: setting, message: "must be name=value, such as train.l2=3" });
    else put(value, path, readScalar(setting.slice(equals + 1)));
  }
  const { output, findings } = schemaFaults(releaseParametersSchema, value);
  faults.push(...findings.map((one) => ({ path: pathInWords(one.path), message: one.message })));
  if (output === null || faults.length > 0) throw new CliError(exitCodes.badInput, "--set is not understood:", { faults });
  return output;
}

/** Inputs of an approval: `--input canaryShare=0.1`. Which exist, and their bounds, stand in the policy. */
export function readInputs(settings: string[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    settings.map((setting) => {
      const equals = setting.indexOf("=");
      if (equals < 1) throw new CliError(exitCodes.badInput, `--input ${setting} must be name=value.`);
      return [setting.slice(0, equals), readScalar(setting.slice(equals + 1))];
    }),
  );
}

function put(value: Record<string, unknown>, path: string[], content: unknown): void {
  const [first = "", second] = path;
  if (second === undefined) value[first] = content;
  else value[first] = { ...Object(valueAt(value, [first])), [second]: content };
}

/** Numbers and booleans as such; everything else is text. */
function readScalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

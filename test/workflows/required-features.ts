import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../workflows/", import.meta.url));

/** What the workflows' code says that a history can show, read from its text: a list kept by hand would forget what is new. */
export async function requiredFeatures(): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(names.map((name) => readFile(folder + name, "utf8")));
  const all = texts.join("\n");
  const found = (pattern: RegExp, text = all) => [...text.matchAll(pattern)].map((match) => match[1] ?? "");
  const index = texts[names.indexOf("index.ts")] ?? "";
  const types = found(/export \{([^}]+)\}/g, index).flatMap((list) => list.split(",").map((name) => name.trim()));
  const contract = await readFile(new URL("../../activities/contract.ts", import.meta.url), "utf8");
  const train = await readFile(new URL("../../activities/train-contract.ts", import.meta.url), "utf8");
  const activities = found(/^ {2}(\w+)\(/gm, contract + train);
  const watch = await readFile(new URL("../../domain/watch.ts", import.meta.url), "utf8");
  const jobs = found(/^ {2}(\w+): "/gm, watch.slice(0, watch.indexOf("} as const")));
  return [
    ...types.map((type) => `workflow ${type}`),
    ...[...activities.filter((name) => all.includes(`.${name}(`)), ...jobs].map((name) => `activity ${name}`),
    ...found(/defineSignal(?:<[^(]*>)?\(\s*"([^"]+)"/g).map((name) => `signal ${name}`),
    ...found(/defineUpdate(?:<[^(]*>)?\(\s*"([^"]+)"/g).map((name) => `update ${name}`),
    ...found(/patched\("([^"]+)"\)/g).map((id) => `patch ${id}`),
    ...["remind", "escalate", "deadline", "max-age"].map((kind) => `timer ${kind}`),
    ...found(/\{ summary: "(\w+)/g).map((word) => `timer ${word}`),
    ...found(/continueAsNew<typeof (\w+)>/g).map((type) => `continue-as-new ${type}`),
  ].filter((feature, at, list) => list.indexOf(feature) === at);
}

/** The workflow type is left out where any will do: `activity lifecycle/rollBack` is `activity rollBack`. */
export function withoutType(feature: string): string {
  return feature.replace(/^(activity|signal|update|timer|local activity) \w+\//, "$1 ");
}

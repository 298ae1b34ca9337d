import { resolve } from "node:path";
import { createLocalRoot, type LocalRoot } from "../files/local-root.ts";
import { createProtectedPlaces, overlapOf, placesOf } from "../files/protected-places.ts";
import { ConfigError, type Environment } from "./config.ts";

type RootSetting = "COUNTERSIGN_DATA_ROOT" | "COUNTERSIGN_TRAINERS_ROOT";

const titles: Record<RootSetting, string> = {
  COUNTERSIGN_DATA_ROOT: "the data root",
  COUNTERSIGN_TRAINERS_ROOT: "the trainers' root",
};

/**
 * The folder that a setting names, as definitions may have it read; one that is not set holds nothing.
 * @throws ConfigError where it holds what is the instance's own, or lies within
 */
export async function guardedRoot(config: Environment, setting: RootSetting): Promise<LocalRoot> {
  const folder = config[setting];
  const places = placesOf(config);
  const overlap = folder === undefined ? null : await overlapOf({ path: folder, setting }, places);
  if (overlap !== null) throw new ConfigError([overlap]);
  return createLocalRoot({
    folder: folder === undefined ? null : resolve(folder),
    title: titles[setting],
    protects: createProtectedPlaces(places),
    answersToOwnName: true,
  });
}

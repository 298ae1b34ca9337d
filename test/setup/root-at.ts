import { createLocalRoot, type LocalRoot } from "../../files/local-root.ts";
import { createProtectedPlaces } from "../../files/protected-places.ts";

/** A root as the worker has one; `home` is what no name below it may reach. */
export function rootAt(folder: string, { title = "the data root", home }: { title?: string; home?: string } = {}): LocalRoot {
  const places = home === undefined ? [] : [{ path: home, setting: "COUNTERSIGN_HOME" }];
  return createLocalRoot({ folder, title, protects: createProtectedPlaces(places) });
}

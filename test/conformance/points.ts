import type { Point } from "./point.ts";
import { decidingPoints } from "./points/deciding.ts";
import { outsidePoints } from "./points/outside.ts";
import { timePoints } from "./points/time.ts";
import { whoPoints } from "./points/who.ts";

/** The bugs that other products had, in their published order. */
export const points: Point[] = [...decidingPoints, ...whoPoints, ...timePoints, ...outsidePoints].toSorted(
  (one, other) => one.number - other.number,
);

/** Durations as people write them in a policy: `90s`, `36h`, `7d`. A day is 24 hours, a week 7 days; months have no length. */
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof unitMs;

export const durationPattern = /^[1-9][0-9]{0,8}(ms|s|m|h|d|w)$/;

/** Milliseconds; null for what is no duration. */
export function durationMs(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  const unit = text.replace(/^\d+/, "");
  return isUnit(unit) ? Number.parseInt(text, 10) * unitMs[unit] : null;
}

/** The shortest way to write it: 604800000 is `7d`, because people count a deadline in days. */
export function durationText(ms: number): string {
  const units: Unit[] = ["d", "h", "m", "s"];
  const unit = units.find((one) => ms >= unitMs[one] && ms % unitMs[one] === 0) ?? "ms";
  return `${ms / unitMs[unit]}${unit}`;
}

function isUnit(text: string): text is Unit {
  return Object.hasOwn(unitMs, text);
}

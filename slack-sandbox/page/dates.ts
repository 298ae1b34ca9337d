/** `<!date^…>` as Slack shows it: in the reader's own zone. */
const tokens: Record<string, (at: Date, zone: string, now: Date) => string> = {
  date_num: (at, zone) => parts(at, zone, "en-CA", { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (at, zone) => parts(at, zone, "en-US", { year: "numeric", month: "long", day: "numeric" }),
  date_short: (at, zone) => parts(at, zone, "en-US", { year: "numeric", month: "short", day: "numeric" }),
  date_long: (at, zone) => parts(at, zone, "en-US", { weekday: "long", year: "numeric", month: "long", day: "numeric" }),
  date_pretty: (at, zone, now) => near(at, zone, now) ?? format("date", { at, zone, now }),
  date_short_pretty: (at, zone, now) => near(at, zone, now) ?? format("date_short", { at, zone, now }),
  date_long_pretty: (at, zone, now) => near(at, zone, now) ?? format("date_long", { at, zone, now }),
  time: (at, zone) => parts(at, zone, "en-GB", { hour: "2-digit", minute: "2-digit" }),
  time_secs: (at, zone) => parts(at, zone, "en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  ago: (at, _zone, now) => ago(at, now),
};

function parts(at: Date, timeZone: string, ...[locale, options]: [string, Intl.DateTimeFormatOptions]): string {
  return new Intl.DateTimeFormat(locale, { timeZone, ...options }).format(at);
}

function format(token: string, { at, zone, now }: { at: Date; zone: string; now: Date }): string {
  return tokens[token]?.(at, zone, now) ?? `{${token}}`;
}

function near(at: Date, zone: string, now: Date): string | null {
  const dayOf = (moment: Date) => Date.parse(parts(moment, zone, "en-CA", { year: "numeric", month: "2-digit", day: "2-digit" }));
  const days = Math.round((dayOf(at) - dayOf(now)) / 86_400_000);
  return ["yesterday", "today", "tomorrow"][days + 1] ?? null;
}

function ago(at: Date, now: Date): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1_000);
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second" as const, 1];
  return words.format(Math.trunc(seconds / size), unit);
}

/** The text of a format such as `{date_short_pretty} at {time}` for seconds since 1970. */
export function slackDate(text: string, when: { seconds: number; zone: string; now: number }): string {
  const at = new Date(when.seconds * 1_000);
  const moment = { at, zone: when.zone, now: new Date(when.now) };
  const said = text.replace(/\{([a-z_]+)\}/g, (whole, token: string) =>
    tokens[token] === undefined ? whole : format(token, moment),
  );
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** `14:05` of a message. */
export function clockOf(ts: string, zone: string): string {
  return parts(new Date(Number(ts) * 1_000), zone, "en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** `Sunday, November 22` above the messages of a day. */
export function dayOf(ts: string, zone: string): string {
  return parts(new Date(Number(ts) * 1_000), zone, "en-US", { weekday: "long", month: "long", day: "numeric" });
}

import { z } from "zod";
import { readJson, writePrivate, type Home } from "./home.ts";
import { freePortFrom, isPortFree } from "./ports.ts";

const defaultPorts = {
  api: 4400,
  serving: 4410,
  temporal: 7233,
  temporalUi: 8233,
  // Temporal would open these two at random, where no source of data could be kept from them.
  temporalHttp: 7243,
  temporalMetrics: 7253,
  postgres: 5433,
  slack: 4420,
};
type PortName = keyof typeof defaultPorts;
export type InstancePorts = Record<PortName, number>;

/** Where each can be set: one that is named is taken or refused, never stepped over. */
const settingOf: Record<PortName, string> = {
  api: "COUNTERSIGN_API_PORT",
  serving: "COUNTERSIGN_SERVING_PORT",
  temporal: "COUNTERSIGN_TEMPORAL_PORT",
  temporalUi: "COUNTERSIGN_TEMPORAL_UI_PORT",
  temporalHttp: "COUNTERSIGN_TEMPORAL_HTTP_PORT",
  temporalMetrics: "COUNTERSIGN_TEMPORAL_METRICS_PORT",
  postgres: "COUNTERSIGN_POSTGRES_PORT",
  slack: "COUNTERSIGN_SLACK_SANDBOX_PORT",
};

const rememberedSchema = z.partialRecord(
  z.enum(["api", "serving", "temporal", "temporalUi", "temporalHttp", "temporalMetrics", "postgres", "slack"]),
  z.int().min(1).max(65_535),
);

/**
 * Ports for this start: the one that the environment names, else the last start's, else the
 * default, else the next free one; kept in the home, so that links and scripts go on to work.
 */
export async function choosePorts(home: Home, named: Partial<Record<PortName, number | undefined>>): Promise<InstancePorts> {
  const file = home.path("ports.json");
  const remembered = rememberedSchema.safeParse(await readJson(file)).data ?? {};
  const taken = new Set<number>(Object.values(named).filter((port) => port !== undefined));
  const ports = { ...defaultPorts };
  for (const name of Object.keys(settingOf) as PortName[]) {
    ports[name] = await choose(name);
    taken.add(ports[name]);
  }
  await writePrivate(file, JSON.stringify(ports));
  return ports;

  async function choose(name: PortName): Promise<number> {
    const wanted = named[name];
    if (wanted !== undefined) {
      if (await isPortFree(wanted)) return wanted;
      throw new Error(
        `${settingOf[name]} names port ${wanted}, which is taken on 127.0.0.1: end what holds it, or name another.`,
      );
    }
    const last = remembered[name];
    if (last !== undefined && !taken.has(last) && (await isPortFree(last))) return last;
    return freePortFrom(defaultPorts[name], taken);
  }
}

import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/** What this trial reads of a service. */
export interface Service {
  image: string;
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: "service_healthy" | "service_completed_successfully" }>;
  healthcheck?: { test: string[] };
}

/**
 * The services of a compose file in the order in which they can start, with its variables filled in
 * as Compose does: `${NAME:?}` must be there, `${NAME:-default}` may, `$$` is a dollar sign.
 */
export async function readComposeFile(path: string, variables: Record<string, string>): Promise<[string, Service][]> {
  const text = await readFile(path, "utf8");
  // The file's form is tested against the specification's schema in test/deploy/.
  const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
  const waiting = new Map(Object.entries(filledIn(services, variables) as Record<string, Service>));
  const ordered: [string, Service][] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find(([, { depends_on = {} }]) => Object.keys(depends_on).every((name) => !waiting.has(name)));
    if (next === undefined) throw new Error(`${[...waiting.keys()].join(", ")} wait for each other.`);
    ordered.push(next);
    waiting.delete(next[0]);
  }
  return ordered;
}

function filledIn(value: unknown, variables: Record<string, string>): unknown {
  if (typeof value === "string") return fillIn(value, variables);
  if (Array.isArray(value)) return value.map((one: unknown) => filledIn(one, variables));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filledIn(one, variables)]));
}

function fillIn(text: string, variables: Record<string, string>): string {
  return text.replace(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (found, name: string | undefined, kind: string | undefined, rest = "") => {
      if (found === "$$") return "$";
      const value = variables[name ?? ""] ?? "";
      if (value !== "") return value;
      if (kind === "-") return String(rest);
      throw new Error(`docker-compose.yml needs ${name}.`);
    },
  );
}

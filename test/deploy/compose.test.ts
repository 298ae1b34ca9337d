import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

/** The parts of docker-compose.yml that are looked at here. */
interface Service {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  networks?: string[];
  secrets?: string[];
  security_opt?: string[];
  volumes?: (string | { source: string; target: string })[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  secrets: Record<string, { file: string }>;
}

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
const text = read("docker-compose.yml");
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const jobs = ["databases", "temporal-schema", "temporal-namespace", "migrate"];
const product = services.filter(([, { command }]) => /^(bin|deploy)\//.test(command?.[1] ?? ""));
const long = services.filter(([name]) => !jobs.includes(name));

describe("docker-compose.yml", () => {
  let validate: (value: unknown) => boolean | Promise<unknown>;
  let faults: () => unknown;
  beforeAll(() => {
    const ajv = new Ajv2020({ allErrors: true, strict: false });
    addFormats.default(ajv);
    const compiled = ajv.compile(JSON.parse(read("test/deploy/compose-spec.schema.json")));
    validate = compiled;
    faults = () => compiled.errors;
  });

  test("follows the schema of the Compose specification", () => {
    expect(validate(compose), JSON.stringify(faults())).toBe(true);
  });

  test("would not follow it with a misspelt key (the schema does look)", () => {
    const broken = structuredClone(compose) as unknown as { services: Record<string, Record<string, unknown>> };
    broken.services["server"]!["depend_on"] = [];
    expect(validate(broken)).toBe(false);
  });

  test("publishes neither Temporal nor PostgreSQL, and all else on loopback", () => {
    expect(services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name)).toEqual([
      "temporal-ui",
      "server",
      "serving",
    ]);
    for (const [name, { ports }] of services)
      for (const port of ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test("joins networks without a way out, but for what people and programs reach", () => {
    const inside = (name: string) => compose.networks[name]?.internal === true;
    expect(services.filter(([, { networks }]) => !(networks ?? []).every(inside)).map(([name]) => name)).toEqual([
      "temporal-ui",
      "server",
      "serving",
      // Slack, mail servers and webhooks are outside.
      "worker-notify",
    ]);
  });

  test("gives no password or key a default, and writes none down", () => {
    // What may be left out (`:-`) is then empty.
    const variables = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name = "", rest = ""]) => ({ name, rest }));
    expect(variables.length).toBeGreaterThan(8);
    for (const { name, rest } of variables) if (/PASSWORD|SECRET|TOKEN|KEY/.test(name)) expect(rest, name).toMatch(/^:[?-]$/);
    for (const [name, { environment }] of services)
      for (const [key, value] of Object.entries(environment ?? {}))
        if (/PASSWORD|PWD|SECRET|TOKEN/.test(key)) expect(value, `${name}: ${key}`).toMatch(/^\$\{\w+:[?-]\}$/);
  });

  test("says how each service starts again, how much it may take, and how one sees that it is well", () => {
    for (const [name, service] of services) {
      expect(service.restart, name).toMatch(jobs.includes(name) ? /^on-failure/ : /^unless-stopped$/);
      expect(service.deploy?.resources?.limits, name).toMatchObject({ cpus: expect.any(String), memory: expect.any(String) });
    }
    for (const [name, { healthcheck }] of long) expect(healthcheck?.test[0], name).toMatch(/^CMD/);
  });

  test("starts each service when what it needs is ready, and without a circle", () => {
    for (const [name, { depends_on }] of services)
      for (const [other, { condition }] of Object.entries(depends_on ?? {}))
        expect(condition, `${name} → ${other}`).toBe(jobs.includes(other) ? "service_completed_successfully" : "service_healthy");
    const started = new Set<string>();
    while (started.size < services.length) {
      const next = services.filter(
        ([name, { depends_on }]) => !started.has(name) && Object.keys(depends_on ?? {}).every((other) => started.has(other)),
      );
      expect(
        next.length,
        `a circle among ${services
          .map(([name]) => name)
          .filter((name) => !started.has(name))
          .join(", ")}`,
      ).toBeGreaterThan(0);
      for (const [name] of next) started.add(name);
    }
    expect([...started].indexOf("temporal")).toBeGreaterThan([...started].indexOf("temporal-schema"));
  });

  test("names images by version", () => {
    for (const [name, { image }] of services) expect(image, name).toMatch(/:[\w.${}:-]*\d+\.\d+/);
  });

  test("runs programs that exist, with settings that exist", () => {
    const known = new Set([...read("bin/config.ts").matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name));
    expect(known.has("DATABASE_URL")).toBe(true);
    expect(product.map(([name]) => name)).toEqual([
      "databases",
      "migrate",
      "server",
      "serving",
      "worker-lifecycle",
      "worker-notify",
      "worker-stages",
      "worker-train",
    ]);
    for (const [name, { command, environment }] of product) {
      expect(command?.[0], name).toBe("node");
      expect(read(command?.[1] ?? ""), name).not.toBe("");
      if (name === "databases") continue;
      for (const key of Object.keys(environment ?? {}))
        expect(known.has(key), `${name}: ${key} is unknown to bin/config.ts`).toBe(true);
    }
  });

  test("gives the trainer's worker neither database, key nor data, and the private key to the server alone", () => {
    const train = compose.services["worker-train"]!;
    expect(train.networks).toEqual(["training"]);
    expect(services.filter(([, { networks }]) => networks?.includes("training")).map(([name]) => name)).toEqual([
      "temporal",
      "worker-train",
    ]);
    expect(train.secrets).toBeUndefined();
    expect(Object.keys(train.environment ?? {}).filter((key) => /DATABASE|KEY|DATA_ROOT/.test(key))).toEqual([]);
    expect(services.filter(([, { secrets }]) => secrets?.includes("signing-key")).map(([name]) => name)).toEqual(["server"]);
  });

  test("lets the trainer's worker change no artifact, and takes in what it made by digest", () => {
    const artifacts = "artifacts:/var/lib/countersign/artifacts";
    const outbox = "outbox:/var/lib/countersign/outbox";
    expect(compose.services["worker-train"]).toMatchObject({
      volumes: [`${artifacts}:ro`, outbox],
      environment: { COUNTERSIGN_OUTBOX: "/var/lib/countersign/outbox" },
    });
    for (const [name, { volumes = [], environment = {} }] of services.filter(([name]) => name !== "worker-train")) {
      expect(volumes, name).not.toContain(outbox);
      // Whoever may write artifacts takes in; who only reads them comes later.
      if (volumes.includes(artifacts)) {
        expect(volumes, name).toContain(`${outbox}:ro`);
        expect(environment["COUNTERSIGN_INBOX"], name).toBe("/var/lib/countersign/outbox");
      }
    }
  });

  test("lets the trainer's worker make namespaces, and forbids it what the engine's own profile forbids", () => {
    expect(compose.services["worker-train"]?.security_opt).toEqual([
      "no-new-privileges:true",
      "seccomp=deploy/seccomp-training.json",
      "apparmor=unconfined",
      "systempaths=unconfined",
    ]);
    const profile = JSON.parse(read("deploy/seccomp-training.json")) as {
      defaultAction: string;
      syscalls: { names: string[]; action: string }[];
    };
    const denied = profile.syscalls.filter(({ action }) => action === "SCMP_ACT_ERRNO").flatMap(({ names }) => names);
    for (const needed of ["unshare", "clone", "mount", "umount2", "pivot_root", "sethostname"])
      expect(denied).not.toContain(needed);
    for (const name of ["bpf", "keyctl", "kexec_load", "init_module", "open_by_handle_at", "perf_event_open", "userfaultfd"])
      expect(denied).toContain(name);
  });
});

test("the processes connect as a role that owns nothing, migrations as the owner, and the superuser's password reaches no process that runs on", () => {
  const urls = new Map(product.map(([name, { environment }]) => [name, environment?.["DATABASE_URL"]]));
  expect(urls.get("migrate")).toMatch(/^postgresql:\/\/postgres:.*options=-c%20role%3Dcountersign$/);
  for (const [name, url] of urls)
    if (url !== undefined && name !== "migrate") expect(url, name).toMatch(/^postgresql:\/\/countersign_app:/);
  const withSuperuser = services.filter(([, service]) => JSON.stringify(service).includes("${POSTGRES_PASSWORD"));
  expect(withSuperuser.map(([name]) => name)).toEqual(["postgres", "databases", "migrate"]);
  for (const name of ["serving", "worker-lifecycle"])
    expect(compose.services[name]?.environment?.["COUNTERSIGN_VERIFY_KEY_FILE"], name).toBe("/run/secrets/verify-key");
});

test("the image takes what the Dockerfile copies, runs as nobody special, and holds no tests", () => {
  const dockerfile = read("Dockerfile");
  const ignored = read(".dockerignore");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = ""]) => sources.split(" "));
  for (const source of copied) expect(ignored, `${source} is kept from the image by .dockerignore`).toContain(`!${source}\n`);
  expect(copied).not.toContain("test");
  expect(dockerfile).toMatch(/^USER node$/m);
  const rooms = [
    "domain",
    "workflows",
    "activities",
    "ml",
    "artifacts",
    "db",
    "control",
    "api",
    "console",
    "serving",
    "slack",
    "cli",
    "bin",
  ];
  for (const room of rooms) expect(copied, `${room}/ is missing in the image`).toContain(room);
});

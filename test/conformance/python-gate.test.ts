import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../domain/digest.ts";
import { checkPolicy } from "../../domain/policy-check.ts";
import { temporalAddress } from "../setup/temporal.ts";
import { until } from "../world/until.ts";
import { attemptOn, expectTaken } from "./point.ts";
import { openStand, policyId, type ConformanceStand } from "./stand.ts";
import { createApiSurface } from "./surfaces/api.ts";

const run = promisify(execFile);
const example = fileURLToPath(new URL("../../examples/python-gate/", import.meta.url));
const cache = fileURLToPath(new URL("../../node_modules/.cache/countersign/", import.meta.url));

/** The example's own environment, made once for all runs of a checkout; or why there is none. */
async function pythonOf(): Promise<{ python: string } | { why: string }> {
  const requirements = await readFile(join(example, "requirements.txt"), "utf8");
  const place = join(cache, `python-gate-${digestOf(requirements).slice(7, 19)}`);
  const python = join(place, "bin", "python");
  if (existsSync(python)) return { python };
  const partial = `${place}.${process.pid}.partial`;
  try {
    await mkdir(cache, { recursive: true });
    await run("python3", ["-m", "venv", partial], { timeout: 60_000 });
    const install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", join(example, "requirements.txt")];
    await run(join(partial, "bin", "python"), install, { timeout: 240_000 });
    await rename(partial, place);
    return { python };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    return {
      why: `Python with the package temporalio could not be had: ${error instanceof Error ? error.message : ""}`.slice(0, 300),
    };
  }
}

it("is told of with a policy that can be published as it stands there", async () => {
  const [, policy = ""] = /```yaml\n(.*?)```/s.exec(await readFile(join(example, "README.md"), "utf8")) ?? [];
  const checked = checkPolicy(policy.replaceAll(/^ {3}/gm, ""), { format: "yaml", nextVersion: 1 });
  expect(checked.faults).toEqual([]);
  expect(checked.policy?.external?.map((rule) => rule.name)).toEqual(["send"]);
});

const found = await pythonOf();
const python = "python" in found ? found.python : "";

describe.skipIf("why" in found)(`a gate of a workflow in Python${"why" in found ? ` (left out: ${found.why})` : ""}`, () => {
  let stand: ConformanceStand;
  let folder: string;
  let file: string;
  let environment: NodeJS.ProcessEnv;
  beforeAll(async () => {
    stand = await openStand();
    folder = await mkdtemp(join(tmpdir(), "countersign-payments-"));
    file = join(folder, "payments.csv");
    await writeFile(file, "iban,amount\nDE00,12\n");
    const { rule } = await stand.requestFor({ onDeadline: "reject" });
    environment = {
      ...process.env,
      TEMPORAL_ADDRESS: temporalAddress(),
      TEMPORAL_NAMESPACE: stand.world.namespace,
      POLICY: policyId,
      RULE: rule,
    };
  }, 120_000);
  afterAll(async () => {
    await stand?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const gateOf = (id: string) =>
    until(`the gate ${id}`, async () => {
      const row = await stand.world.db.selectFrom("gates").selectAll().where("id", "=", id).executeTakeFirst();
      return (
        row?.state === "open" && {
          id,
          digest: row.request_digest,
          deadline: "",
          handle: stand.world.client.workflow.getHandle(`gate/${id}`),
        }
      );
    });
  const lastLine = (text: string): unknown => JSON.parse(text.trim().split("\n").at(-1) ?? "");

  it("is its child: the file is sent when grace approves, and he who made it cannot", async () => {
    const api = createApiSurface(stand.site);
    const worker = spawn(python, [join(example, "approval.py"), "worker"], { env: environment, stdio: "ignore" });
    try {
      const started = run(python, [join(example, "approval.py"), "start", file, "child-1"], {
        env: environment,
        timeout: 50_000,
      });
      const gate = await gateOf("ext.payments.child-1");
      const { request } = await stand.rowOf(gate.id);
      expect(request).toMatchObject({
        subject: { kind: "payment-file", id: "payments.csv", digest: digestOf("iban,amount\nDE00,12\n") },
        excluded: [{ principal: "ada", why: "made this file" }],
      });
      expectTaken(await api.decide("grace", attemptOn(gate)));
      expect(lastLine((await started).stdout)).toEqual({ resolution: "approved", by: "grace", sent: "payments.csv was sent" });
    } finally {
      const gone = once(worker, "exit");
      worker.kill("SIGTERM");
      await gone;
    }
  });

  it("is started by its name alone, and says that it was rejected, by whom and why", async () => {
    const asked = run(python, [join(example, "approval.py"), "ask", file, "named-1"], { env: environment, timeout: 50_000 });
    const gate = await gateOf("ext.payments.named-1");
    const api = createApiSurface(stand.site);
    expectTaken(await api.decide("george", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
    expect(lastLine((await asked).stdout)).toMatchObject({
      gate: gate.id,
      resolution: "rejected",
      outcome: { by: "george", reason: "the sum is wrong" },
    });
  });

  it("is refused with a sentence when the policy that it names was never published", async () => {
    const asked = run(python, [join(example, "approval.py"), "ask", file, "unknown-1"], {
      env: { ...environment, POLICY: "made-up" },
      timeout: 50_000,
    });
    await expect(asked).rejects.toThrow(/there is no published policy made-up/);
  });
});

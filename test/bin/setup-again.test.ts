import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./temporary-home.ts";

const execute = promisify(execFile);
const ensure = new URL("../../bin/setup/ensure.mjs", import.meta.url).href;
const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

test("the second time everything is found without npm, Python or any network, and nothing is said", async () => {
  const empty = await temporaryFolder();
  const closed = "http://127.0.0.1:9";
  const env = {
    PATH: empty,
    HOME: homedir(),
    ...(process.env["XDG_CACHE_HOME"] === undefined ? {} : { XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] }),
    // The test run itself may have been started with a CLI of the machine.
    ...(process.env["COUNTERSIGN_TEMPORAL_CLI"] === undefined
      ? {}
      : { COUNTERSIGN_TEMPORAL_CLI: process.env["COUNTERSIGN_TEMPORAL_CLI"] }),
    COUNTERSIGN_TEMPORAL_DOWNLOAD: closed,
    npm_config_registry: closed,
  };
  const script = `const { ensureAll } = await import(${JSON.stringify(ensure)}); console.log(JSON.stringify(await ensureAll()));`;
  const { stdout, stderr } = await execute(process.execPath, ["--input-type=module", "-e", script], { env });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({
    root,
    node: expect.stringContaining("node_modules"),
    temporal: expect.stringContaining("temporal"),
  });
});

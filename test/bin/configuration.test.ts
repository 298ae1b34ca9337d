import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../../bin/config.ts";

test("all faults of the configuration are told together", () => {
  const env = {
    COUNTERSIGN_API_PORT: "70000",
    DATABASE_URL: "http://db/",
    COUNTERSIGN_QUEUES: "lifecycle,unknown",
    TEMPORAL_ADDRESS: "",
  };
  const read = () => readConfig(env, ["DATABASE_URL", "TEMPORAL_ADDRESS", "COUNTERSIGN_ARTIFACTS"]);
  expect(read).toThrow(ConfigError);
  const faults = [
    "COUNTERSIGN_API_PORT",
    "DATABASE_URL",
    "COUNTERSIGN_QUEUES",
    "TEMPORAL_ADDRESS: is missing",
    "COUNTERSIGN_ARTIFACTS: is missing",
  ];
  for (const fault of faults) expect(read).toThrow(fault);
});

test("an empty string is missing, and takes the default", () => {
  const config = readConfig({ COUNTERSIGN_HOME: "", TEMPORAL_NAMESPACE: "  ", COUNTERSIGN_API_PORT: "" }, []);
  expect(config).toMatchObject({
    COUNTERSIGN_HOME: ".countersign",
    TEMPORAL_NAMESPACE: "default",
    COUNTERSIGN_MODE: "production",
  });
  expect(config.COUNTERSIGN_API_PORT).toBeUndefined();
});

test("values come in their types", () => {
  const config = readConfig(
    { COUNTERSIGN_API_PORT: "4400", COUNTERSIGN_QUEUES: "lifecycle, stages", DATABASE_URL: "postgres://u:p@127.0.0.1:5433/db" },
    ["DATABASE_URL"],
  );
  expect(config).toMatchObject({ COUNTERSIGN_API_PORT: 4400, COUNTERSIGN_QUEUES: ["lifecycle", "stages"] });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataDifference, DataProfile } from "../../domain/data-profile.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

interface Suggested {
  contract: {
    schema: {
      name: string;
      properties: { name: string; logicalType: string; quality?: { arguments: { validValues: string[] } }[] }[];
    }[];
  };
}

describe("a contract suggested from data", () => {
  const files = "examples/credit-risk/data/german-credit.csv";

  it("describes types, bounds and sets as they were seen, and is a contract", async () => {
    const { status, body } = await world
      .as("ada")
      .post<Suggested>("/api/contracts/suggest", { rows: "applications", sources: { applications: { files } } });
    expect(status, JSON.stringify(body)).toBe(200);
    const [table] = parseContract(body.contract).schema;
    expect(table?.properties.map(({ name, logicalType }) => [name, logicalType])).toContainEqual(["age", "integer"]);
    const housing = body.contract.schema[0]?.properties.find(({ name }) => name === "housing");
    expect(housing).toMatchObject({
      logicalType: "string",
      required: true,
      quality: [{ severity: "warning", arguments: { validValues: ["free", "own", "rent"] } }],
    });
  });

  it("is nobody's but an engineer's, and names what is not there", async () => {
    const ask = (who: string, source: object) =>
      world.as(who).post<{ code: string }>("/api/contracts/suggest", { rows: "a", sources: { a: source } });
    expect((await ask("grace", { files })).status).toBe(403);
    expect(await ask("ada", { files: "examples/nothing.csv" })).toMatchObject({ status: 422, body: { code: "source-missing" } });
    expect(await ask("ada", { files: "../secret.csv" })).toMatchObject({ status: 422, body: { code: "invalid" } });
    expect(await ask("ada", { files: "http://169.254.169.254/a.csv" })).toMatchObject({
      status: 422,
      body: { code: "source-unreadable" },
    });
  });
});

describe("the data of a second release", () => {
  it("is described, and compared with what the champion was made of", async () => {
    const model = await smallModel("second-data", "low");
    await apply(world, model);
    await untilState(world, await requestRelease(world, "second-data"), ["ended"]);
    const second = await untilState(world, await requestRelease(world, "second-data"), ["ended"]);
    expect(second.id, "a request right after the end is no part of what ended").toBe("second-data.2");
    const result = await world.db
      .selectFrom("release_stages")
      .select("result")
      .where("release_id", "=", second.id)
      .where("stage", "=", "ingest")
      .executeTakeFirst();
    // What activities/ingest.ts returned, with the difference that a champion makes.
    const { profile, difference, summary } = (result?.result ?? {}) as {
      profile: `sha256:${string}`;
      difference: `sha256:${string}`;
      summary: string;
    };
    expect(summary).toMatch(/much like the data of second-data\.1$/);
    expect((await world.store.getJson<DataProfile>(profile)).sources["applications"]?.rows).toBe(1000);
    const found = await world.store.getJson<DataDifference>(difference);
    expect(found.champion).toBe("second-data.1");
    expect(found.sources["applications"]?.columns.every(({ effect }) => effect === 0)).toBe(true);
  });
});

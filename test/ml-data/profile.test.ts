import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DataProfile } from "../../domain/data-profile.ts";
import type { SourceDefinition } from "../../domain/definition-schema.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { differenceInWords, profileDataset } from "../../ml/datasets/profile-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { checkout, readExample } from "./example.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await createWorkbench();
});
afterAll(() => bench.remove());

async function profile(
  source: SourceDefinition,
  { properties = [], champion = null }: { properties?: object[]; champion?: DataProfile | null } = {},
) {
  const data = { rows: "t", sources: { t: source } };
  const { manifest } = await freezeDataset(
    { dataRoot: rootAt(bench.dataRoot), store: bench.store, data, parameters: {} },
    unwatched,
  );
  const contract = parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "t", properties }] });
  return profileDataset(
    { store: bench.store, manifest, contract, champion: champion && { version: "m.1", profile: champion } },
    unwatched,
  );
}
const column = ({ sources }: DataProfile, name: string) => sources["t"]?.columns.find((one) => one.name === name);

describe("a profile", () => {
  test("counts and measures each column exactly where the source is small", async () => {
    await bench.writeTable(
      "small.parquet",
      `SELECT n::INTEGER AS n, CASE WHEN n % 10 = 0 THEN NULL ELSE 'w' || n % 3 END AS word, n % 4 = 0 AS quarter,
       TIMESTAMP '2024-01-01' + n * INTERVAL 1 DAY AS at, CASE WHEN n = 5 THEN 'infinity'::DOUBLE WHEN n = 6 THEN 'nan'::DOUBLE ELSE n END AS x, 9007199254740992 + n AS big FROM range(1, 101) t(n)`,
    );
    const found = (await profile({ files: "small.parquet" })).profile;
    expect(found.sources["t"]).toMatchObject({ rows: 100, sampled: 100, omitted: 0 });
    const n = column(found, "n");
    expect(n).toMatchObject({
      kind: "number",
      missing: 0,
      distinct: 100,
      distinctExact: true,
      number: { min: 1, max: 100, mean: 50.5 },
    });
    expect(n?.number?.deviation).toBeCloseTo(29.0115, 4);
    expect(n?.number?.quantiles.find(({ share }) => share === 0.9)?.value).toBe(90);
    expect(n?.number?.histogram.counts).toEqual(Array.from({ length: 20 }, () => 5));
    expect(column(found, "word")).toMatchObject({
      kind: "text",
      missing: 10,
      distinct: 3,
      top: [
        { value: "w0", count: 30 },
        { value: "w1", count: 30 },
        { value: "w2", count: 30 },
      ],
    });
    expect(column(found, "quarter")).toMatchObject({
      kind: "boolean",
      top: [
        { value: "false", count: 75 },
        { value: "true", count: 25 },
      ],
    });
    expect(column(found, "at")).toMatchObject({ kind: "time", time: { min: "2024-01-02 00:00:00", max: "2024-04-10 00:00:00" } });
    expect(column(found, "x")).toMatchObject({ notFinite: 2, number: { max: 100 } });
    // 64 bits of a float hold only every second one of these apart.
    expect(column(found, "big")).toMatchObject({ distinct: 100, distinctExact: true });
  });

  test("is the same each time although a large source is looked at in part, and stays near the truth", async () => {
    await bench.writeTable("large.parquet", "SELECT n AS id, (n * 7919) % 1000 AS x FROM range(400000) t(n)");
    const first = (await profile({ files: "large.parquet" })).profile;
    expect((await profile({ files: "large.parquet" })).profile).toEqual(first);
    expect(first.sources["t"]?.sampled).toBeLessThan(120_000);
    const x = column(first, "x");
    expect(x).toMatchObject({ distinct: 1000, distinctExact: true, number: { min: 0, max: 999, mean: 499.5 } });
    expect(column(first, "id")).toMatchObject({ distinctExact: false });
    expect(Math.abs((column(first, "id")?.distinct ?? 0) / 400_000 - 1)).toBeLessThan(0.02);
    expect(Math.abs((x?.number?.quantiles.find(({ share }) => share === 0.5)?.value ?? 0) - 500)).toBeLessThan(10);
  });

  test("holds no value of a sensitive column, and counts cells that are not of the contract's type", async () => {
    await bench.write("cards.csv", "card,age\n4111,30\n4222,old\n,31\n");
    const properties = [
      { name: "card", classification: "confidential" },
      { name: "age", logicalType: "integer" },
    ];
    const found = (await profile({ files: "cards.csv" }, { properties })).profile;
    expect(column(found, "card")).toMatchObject({ masked: true, missing: 1, distinct: 2, top: [], spread: null });
    expect(JSON.stringify(found)).not.toContain("4111");
    expect(column(found, "age")).toMatchObject({ kind: "number", unreadable: 1, number: { min: 30, max: 31 } });
  });

  test("tells what moved between two data sets, and what only seems to", async () => {
    const draw = (seed: number, shift: number) =>
      `SELECT hash(n + ${seed}) % 1000 + CASE WHEN n % 2 = 0 THEN ${shift} ELSE 0 END AS moved, hash(n + ${seed} * 3) % 1000 AS still, chr(65 + (hash(n + ${seed}) % 5)::INTEGER) AS letter FROM range(5000) t(n)`;
    await bench.writeTable("before.parquet", draw(1_000_000, 0));
    await bench.writeTable("after.parquet", `SELECT *, 1 AS new FROM (${draw(2_000_000, 500)})`);
    const before = (await profile({ files: "before.parquet" })).profile;
    const { difference } = await profile({ files: "after.parquet" }, { champion: before });
    expect(difference).toMatchObject({
      champion: "m.1",
      sources: { t: { rows: { before: 5000, now: 5000 }, added: ["new"], removed: [], retyped: [] } },
    });
    expect(difference?.sources["t"]?.columns.map(({ name, verdict, method }) => [name, verdict, method])).toEqual([
      ["moved", "alert", "psi"],
      ["still", "steady", "psi"],
      ["letter", "steady", "jensen-shannon"],
    ]);
    expect(difference && differenceInWords(difference)).toBe("against m.1: 1 column moved (moved), other columns (new)");
  });

  test("of the flights sees that the winter's weather is not the spring's", async () => {
    const definition = await readExample("flight-delays");
    const contract = parseContract(definition.contract);
    const frozen = async (until: string) =>
      (
        await freezeDataset(
          { dataRoot: rootAt(checkout), store: bench.store, data: definition.data, parameters: { until, months: 1 } },
          unwatched,
        )
      ).manifest;
    const winter = await profileDataset(
      { store: bench.store, manifest: await frozen("2013-01"), contract, champion: null },
      unwatched,
    );
    const { difference } = await profileDataset(
      { store: bench.store, manifest: await frozen("2013-09"), contract, champion: { version: "f.1", profile: winter.profile } },
      unwatched,
    );
    const flights = difference?.sources["flights"]?.columns ?? [];
    expect(flights.find(({ name }) => name === "distance")?.verdict).toBe("steady");
    expect(flights.find(({ name }) => name === "time_hour")?.effect).toBeNull();
    expect(difference?.sources["weather"]?.columns.every(({ verdict }) => verdict === "steady")).toBe(true);
  });
});

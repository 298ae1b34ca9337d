import { expect, test } from "vitest";
import { driftInWords, driftOf } from "../../domain/drift-words.ts";
import { compareWindow, scoreColumn } from "../../ml/drift/compare-window.ts";
import { jensenShannonDistance, populationStabilityIndex } from "../../ml/drift/effect-size.ts";
import { buildReferenceProfile, type DriftColumn } from "../../ml/drift/reference-profile.ts";
import { createRandom } from "../../ml/metrics/random.ts";
import { readTrainingData } from "../../ml/trainers/training-data.ts";

const limits = { warn: 0.1, alert: 0.25 };
const many = { referenceRows: 1e9, windowRows: 1e9 };

test("the effect sizes are those of their definitions", () => {
  // By hand: (0.6 − 0.5) ln 1.2 + (0.4 − 0.5) ln 0.8.
  const psi = populationStabilityIndex({ reference: [0.5, 0.5], window: [0.6, 0.4], ...many });
  expect(psi.value).toBeCloseTo(0.1 * Math.log(1.2) - 0.1 * Math.log(0.8), 14);
  // scipy.spatial.distance.jensenshannon([0.5, 0.3, 0.2], [0.2, 0.3, 0.5], base=2)
  const js = { reference: [0.5, 0.3, 0.2], window: [0.2, 0.3, 0.5], ...many };
  expect(jensenShannonDistance(js).value).toBeCloseTo(0.3095409536771482, 12);
  const apart = { reference: [1, 0], window: [0, 1], ...many };
  expect(jensenShannonDistance(apart).value).toBe(1);
});

function draw(rows: number, seed: number, shift = 0): Record<string, DriftColumn> {
  const random = createRandom(seed);
  const unit = () => random() / 2 ** 32;
  return {
    wind: Float32Array.from({ length: rows }, () => unit() + unit() + unit() + shift),
    hour: Float32Array.from({ length: rows }, () => (unit() < 0.4 ? 0 : Math.floor(unit() * 24))),
    dest: Array.from({ length: rows }, () => `D${Math.floor(unit() ** 2 * 100)}`),
  };
}
const scores = (rows: number, seed: number) => {
  const random = createRandom(seed);
  return Float32Array.from({ length: rows }, () => random() / 2 ** 32);
};
const profile = buildReferenceProfile({
  version: "flight-delays.1",
  columns: draw(20_000, 1),
  scores: scores(5000, 2),
});
const look = (columns: Record<string, DriftColumn>, windowScores = scores(Object.values(columns)[0]!.length, 4)) =>
  compareWindow({ profile, columns, scores: windowScores, limits, minimumRows: 200 });

test("small windows of the same distribution stay steady, in 100 of 100 draws", () => {
  let alarms = 0;
  for (let seed = 100; seed < 200; seed += 1) {
    const { columns } = look(draw(200, seed), scores(200, seed + 1000));
    alarms += columns.filter(({ verdict }) => verdict !== "steady").length;
  }
  expect(alarms).toBe(0);
});

test("a shift, a vanished category, missing values and other scores are each noticed", () => {
  const rows = 2000;
  const verdict = (name: string, columns: Record<string, DriftColumn>, windowScores?: Float32Array<ArrayBuffer>) => {
    const window = look(columns, windowScores);
    return [window.verdict, window.columns.find((column) => column.name === name)!.verdict];
  };
  expect(verdict("wind", draw(rows, 5, 0.4))).toEqual(["drift", "alert"]);
  const window = draw(rows, 6);
  const gone = { ...window, dest: Array.from({ length: rows }, () => "D1") };
  expect(verdict("dest", gone)).toEqual(["drift", "alert"]);
  const holes = window["wind"]!.slice(0) as Float32Array;
  holes.fill(Number.NaN, 0, rows / 5);
  expect(verdict("wind", { ...window, wind: holes })).toEqual(["drift", "alert"]);
  expect(
    verdict(
      scoreColumn,
      window,
      scores(rows, 7).map((p) => p / 2),
    ),
  ).toEqual(["drift", "alert"]);
  const { wind: _, ...lacking } = window;
  expect(verdict("wind", lacking)).toEqual(["drift", "alert"]);
});

test("rows that leave a frequent value downwards are seen", () => {
  const below = buildReferenceProfile({
    version: "m.1",
    columns: { constant: new Float32Array(1000).fill(7) },
    scores: scores(1000, 1),
  });
  for (const moved of [6.9, 7.1]) {
    const { columns } = compareWindow({
      profile: below,
      columns: { constant: new Float32Array(1000).fill(moved) },
      scores: scores(1000, 2),
      limits,
      minimumRows: 200,
    });
    expect(columns[0]).toMatchObject({ name: "constant", verdict: "alert" });
  }
});

test("too few rows give no verdict", () => {
  const window = look(draw(50, 8, 5), scores(50, 9));
  expect(window.verdict).toBe("too-few");
  expect(window.columns.every(({ verdict }) => verdict === "steady")).toBe(true);
});

test("where most of a column is missing the sentence says so, and not that it moved by nought", () => {
  const rows = 2000;
  const window = draw(rows, 12);
  const gone = window["wind"]!.slice(0) as Float32Array;
  gone.fill(Number.NaN, 0, 0.98 * rows);
  const { columns } = look({ ...window, wind: gone });
  const wind = columns.find(({ name }) => name === "wind")!;
  expect(wind).toMatchObject({ verdict: "alert", missing: 0.98 });
  expect(wind.missingEffect).toBeGreaterThan(wind.effect);
  expect(driftInWords({ ...wind, effect: 0 })).toBe("wind (98 % missing, 0 % in training)");
  expect(driftInWords({ name: "wind", verdict: "alert", missing: 0, referenceMissing: 0, effect: 0.41 })).toBe("wind 0.41");
  // As audit records of earlier versions have it.
  expect(driftInWords({ name: "wind", effect: 0.41, verdict: "alert" })).toBe("wind 0.41");
  // The column that lost its values leads, whatever the values that are left say.
  expect(columns.toSorted((a, b) => driftOf(b) - driftOf(a))[0]!.name).toBe("wind");
});

test("a window of nothing but new values is drift, and what is too rare to be compared is named", () => {
  const airports = buildReferenceProfile({
    version: "m.1",
    columns: {
      airport: Array.from({ length: 5000 }, (_, row) => `A${row % 50}`),
      never: new Float32Array(5000).fill(Number.NaN),
    },
    scores: scores(5000, 1),
  });
  const at = (airport: (row: number) => string) =>
    compareWindow({
      profile: airports,
      columns: {
        airport: Array.from({ length: 200 }, (_, row) => airport(row)),
        never: new Float32Array(200).fill(Number.NaN),
      },
      scores: scores(200, 2),
      limits,
      minimumRows: 200,
    }).columns[0]!;
  // Four rows are expected of each airport: too few to tell them apart, but not to tell old from new.
  expect(at((row) => `B${row % 50}`)).toMatchObject({ verdict: "alert", leftOut: "each of its values is too rare for 200 rows" });
  expect(at((row) => `A${row % 50}`)).toMatchObject({ verdict: "steady", leftOut: expect.stringContaining("too rare") });
});

test("a profile survives JSON", () => {
  const again = JSON.parse(JSON.stringify(profile));
  const columns = draw(1000, 10);
  const input = { columns, scores: scores(1000, 11), limits, minimumRows: 200 };
  expect(compareWindow({ ...input, profile: again })).toEqual(compareWindow({ ...input, profile }));
});

test("real flights: hour and carrier of March look like February's, the month does not", async () => {
  const month = async (number: string) => {
    const path = new URL(`../../examples/flight-delays/data/flights-2013-${number}.parquet`, import.meta.url);
    const data = await readTrainingData({
      path: path.pathname,
      features: [
        { name: "hour", type: "float" },
        { name: "month", type: "float" },
        { name: "carrier", type: "string" },
      ],
      label: null,
    });
    return data.columns;
  };
  const february = buildReferenceProfile({
    version: "flight-delays.1",
    columns: await month("02"),
    scores: scores(1000, 1),
  });
  const window = compareWindow({
    profile: february,
    columns: await month("03"),
    scores: scores(1000, 2),
    limits,
    minimumRows: 200,
  });
  expect(Object.fromEntries(window.columns.map(({ name, verdict }) => [name, verdict]))).toEqual({
    hour: "steady",
    month: "alert",
    carrier: "steady",
    [scoreColumn]: "steady",
  });
});

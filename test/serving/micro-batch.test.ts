import fc from "fast-check";
import { expect, test } from "vitest";
import { CountersignError } from "../../domain/errors.ts";
import { createBatcher } from "../../serving/micro-batch.ts";

const never = Number.POSITIVE_INFINITY;

/** Work that ends when it is told to. */
function heldWork() {
  const batches: { items: number[]; end(answers: (number | Error)[]): void }[] = [];
  const work = (items: number[]) => new Promise<(number | Error)[]>((end) => void batches.push({ items, end }));
  return { batches, work };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what comes in one turn of the event loop goes together, what comes later with the next batch", async () => {
  const { batches, work } = heldWork();
  const batcher = createBatcher({ maxRows: 10, maxWaitingRows: 100, lanes: 1, work });
  const first = [1, 2, 3].map((item) => batcher.add(item, { rows: 1, deadline: never }));
  await turn();
  const second = [4, 5].map((item) => batcher.add(item, { rows: 1, deadline: never }));
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  batches[0]?.end([10, 20, 30]);
  expect(await Promise.all(first)).toEqual([10, 20, 30]);
  expect(batches[1]?.items).toEqual([4, 5]);
  batches[1]?.end([40, 50]);
  expect(await Promise.all(second)).toEqual([40, 50]);
  await batcher.drained();
});

test("beyond its bound of waiting rows it refuses at once, and takes more when it is through", async () => {
  const { batches, work } = heldWork();
  const batcher = createBatcher({ maxRows: 4, maxWaitingRows: 8, lanes: 1, work });
  const taken = [4, 4, 4].map((rows, item) => batcher.add(item, { rows, deadline: never }).catch((error: unknown) => error));
  await turn();
  expect(batcher.waitingRows()).toBe(4);
  const refused = taken[2];
  expect(await refused).toMatchObject({ code: "unavailable" });
  batches[0]?.end([1]);
  await taken[0];
  batches[1]?.end([2]);
  expect(await taken[1]).toBe(2);
  const later = batcher.add(9, { rows: 8, deadline: never });
  await turn();
  batches[2]?.end([9]);
  expect(await later).toBe(9);
});

test("a request for which nobody waits any more is not computed", async () => {
  const { batches, work } = heldWork();
  const batcher = createBatcher({ maxRows: 4, maxWaitingRows: 100, lanes: 1, work });
  const first = batcher.add(1, { rows: 1, deadline: never });
  await turn();
  const late = batcher.add(2, { rows: 1, deadline: performance.now() - 1 }).catch((error: unknown) => error);
  const third = batcher.add(3, { rows: 1, deadline: never });
  batches[0]?.end([1]);
  await first;
  expect(await late).toBeInstanceOf(CountersignError);
  expect(batches[1]?.items).toEqual([3]);
  batches[1]?.end([3]);
  expect(await third).toBe(3);
});

test("each gets its own answer, whatever comes in whatever sizes, and no batch but of one is too large", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (sizes, lanes) => {
        const seen: number[] = [];
        const batcher = createBatcher<{ id: number; rows: number }, number>({
          maxRows: 16,
          maxWaitingRows: 10_000,
          lanes,
          work: async (items) => {
            const rows = items.reduce((sum, item) => sum + item.rows, 0);
            expect(rows <= 16 || items.length === 1).toBe(true);
            await turn();
            seen.push(...items.map(({ id }) => id));
            return items.map(({ id }) => (id % 7 === 3 ? new Error(`refused ${id}`) : id * 2));
          },
        });
        const answers = await Promise.allSettled(sizes.map((rows, id) => batcher.add({ id, rows }, { rows, deadline: never })));
        for (const [id, answer] of answers.entries()) {
          if (id % 7 === 3) expect(answer).toMatchObject({ status: "rejected", reason: { message: `refused ${id}` } });
          else expect(answer).toEqual({ status: "fulfilled", value: id * 2 });
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual(sizes.map((_, id) => id));
        expect(batcher.waitingRows()).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});

test("work that fails as a whole fails all of its batch and none of the next", async () => {
  let calls = 0;
  const batcher = createBatcher<number, number>({
    maxRows: 2,
    maxWaitingRows: 100,
    lanes: 1,
    work: async (items) => {
      calls += 1;
      if (calls === 1) throw new Error("the log is away");
      return items;
    },
  });
  const answers = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item, { rows: 1, deadline: never })));
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

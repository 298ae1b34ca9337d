/**
 * Small seeded generator (sfc32 by Chris Doty-Humphrey, PractRand): 32 bits a call, the same
 * numbers on every machine. Not for secrets.
 */
export function createRandom(seed: number): () => number {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162 ^ Math.floor(seed / 2 ** 32);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // The first outputs still resemble the seed; twelve rounds are what its author recommends.
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

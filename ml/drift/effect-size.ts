/** A share of nought would make any logarithm infinite; Siddiqi's customary floor. */
const floor = 1e-4;

/** How much two distributions over the same bins differ, and how much of it the number of rows alone can make. */
export interface Effect {
  value: number;
  /** What two samples of one distribution would reach in about one of ten thousand windows: a sweep looks at twenty columns each hour. */
  noise: number;
}

interface Samples {
  /** Shares of the bins; each list adds up to 1. */
  reference: number[];
  window: number[];
  referenceRows: number;
  windowRows: number;
  /** The last bin holds what is none of the others: pooled with rare ones, a window of only new values would look like the old. */
  lastStandsAlone?: boolean;
}

/** `pooled`: every bin (but a last one that stands alone) was too rare, so that they were not told apart. */
type Sized = Effect & { pooled: boolean };

/**
 * Population stability index: Σ (w − r) · ln(w / r), 0 for equal shares, without upper bound. Under
 * no drift it follows a chi-square with bins − 1 degrees of freedom times (1/n + 1/m)
 * (Yurdakul, "Statistical properties of population stability index", 2018).
 */
export function populationStabilityIndex(samples: Samples): Sized {
  const { reference, window, referenceRows, windowRows, pooled } = poolRareBins(samples);
  let value = 0;
  for (const [bin, share] of reference.entries()) {
    const r = Math.max(share, floor);
    const w = Math.max(window[bin]!, floor);
    value += (w - r) * Math.log(w / r);
  }
  return {
    value,
    noise: chiSquareCeiling(reference.length - 1) * (1 / referenceRows + 1 / windowRows),
    pooled,
  };
}

/**
 * Jensen–Shannon distance: the square root of the divergence in bits, 0 for equal shares, 1 for
 * distributions that have nothing in common. Under no drift the divergence follows a chi-square
 * times (1/n + 1/m) / (8 ln 2).
 */
export function jensenShannonDistance(samples: Samples): Sized {
  const { reference, window, referenceRows, windowRows, pooled } = poolRareBins(samples);
  let divergence = 0;
  for (const [bin, r] of reference.entries()) {
    const w = window[bin]!;
    const middle = (r + w) / 2;
    if (r > 0) divergence += (r / 2) * Math.log2(r / middle);
    if (w > 0) divergence += (w / 2) * Math.log2(w / middle);
  }
  const noise = (chiSquareCeiling(reference.length - 1) * (1 / referenceRows + 1 / windowRows)) / (8 * Math.LN2);
  return { value: Math.sqrt(Math.max(0, divergence)), noise: Math.sqrt(noise), pooled };
}

/** Fewer rows than this are expected of a bin: its share in the window is mostly chance (Cochran's rule for chi-square). */
const leastExpected = 5;

/** Puts all bins of which the window can be expected to show only a few rows into one. */
function poolRareBins(samples: Samples): Samples & { pooled: boolean } {
  const { reference, window, windowRows, lastStandsAlone = false } = samples;
  const bins = lastStandsAlone ? reference.length - 1 : reference.length;
  const rare = reference.map((share, bin) => bin < bins && share * windowRows < leastExpected);
  const rareBins = rare.filter(Boolean).length;
  if (rareBins === 0) return { ...samples, pooled: false };
  const pool = (shares: number[]) => [
    ...shares.filter((_, bin) => rare[bin] !== true),
    shares.reduce((sum, share, bin) => sum + (rare[bin] === true ? share : 0), 0),
  ];
  return { ...samples, reference: pool(reference), window: pool(window), pooled: bins > 1 && rareBins === bins };
}

/** The 99.99 % point of a chi-square (Wilson and Hilferty's cube approximation, 3.72 standard deviations). */
function chiSquareCeiling(degrees: number): number {
  if (degrees <= 0) return 0;
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 3.72 * Math.sqrt(spread)) ** 3;
}

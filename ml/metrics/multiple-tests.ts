/**
 * p-values corrected for looking at many (Holm 1979): the chance that even one of all differences that
 * are called real is not stays under the level, whatever the tests have to do with each other.
 * In the order given; at least as large as the p-values themselves.
 */
export function holm(pValues: number[]): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a]! - pValues[b]!);
  const corrected = pValues.map(() => 1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - rank)));
    corrected[index] = largest;
  }
  return corrected;
}

/** A number of rows as people write it: 80,789. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

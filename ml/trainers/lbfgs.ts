/** A smooth function and its gradient at a point. */
export type Objective = (point: Float64Array) => { value: number; gradient: Float64Array };

export interface Minimum {
  point: Float64Array;
  value: number;
  iterations: number;
}

/** Pairs kept of steps and changes of the gradient; the usual number (Nocedal and Wright, 7.2). */
const memory = 10;
/** Armijo's: a step must bring this share of what the slope promises. */
const sufficient = 1e-4;

/**
 * Minimises by L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.4) with a backtracking
 * line search: for many weights, where the Hessian of Newton's method would not fit. Ends when the largest
 * entry of the gradient is below `tolerance`; throws a RangeError when it is not after `maxIterations`.
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  options: { tolerance: number; maxIterations: number; onIteration?: (iteration: number, value: number) => void },
): Minimum {
  let point = start;
  let { value, gradient } = objective(point);
  const pairs: { step: Float64Array; change: Float64Array; rho: number }[] = [];
  for (let iteration = 1; iteration <= options.maxIterations; iteration += 1) {
    if (largest(gradient) < options.tolerance) return { point, value, iterations: iteration - 1 };
    const direction = descent(gradient, pairs);
    const slope = dot(direction, gradient);
    let length = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next = moved(point, direction, length);
    let there = objective(next);
    while (there.value > value + sufficient * length * slope && length > 1e-12) {
      length /= 2;
      next = moved(point, direction, length);
      there = objective(next);
    }
    // Rounding leaves nothing to gain: this is the minimum as far as the numbers can tell.
    if (!(there.value < value)) return { point, value, iterations: iteration };
    const step = next.map((entry, index) => entry - point[index]!);
    const change = there.gradient.map((entry, index) => entry - gradient[index]!);
    const curvature = dot(step, change);
    if (curvature > 1e-12) {
      pairs.push({ step, change, rho: 1 / curvature });
      if (pairs.length > memory) pairs.shift();
    }
    point = next;
    ({ value, gradient } = there);
    options.onIteration?.(iteration, value);
  }
  throw new RangeError(`No convergence after ${options.maxIterations} iterations: raise l2 or maxIterations.`);
}

/** Minus the gradient times the inverse Hessian that the pairs amount to: two loops. */
function descent(gradient: Float64Array, pairs: { step: Float64Array; change: Float64Array; rho: number }[]): Float64Array {
  const direction = gradient.map((entry) => -entry);
  const shares: number[] = [];
  for (const { step, change, rho } of pairs.toReversed()) {
    const share = rho * dot(step, direction);
    shares.unshift(share);
    add(direction, change, -share);
  }
  const last = pairs.at(-1);
  const scale = last === undefined ? 1 : dot(last.step, last.change) / dot(last.change, last.change);
  for (let index = 0; index < direction.length; index += 1) direction[index] = direction[index]! * scale;
  pairs.forEach(({ step, change, rho }, index) => add(direction, step, shares[index]! - rho * dot(change, direction)));
  return direction;
}

function moved(point: Float64Array, direction: Float64Array, length: number): Float64Array {
  return point.map((entry, index) => entry + length * direction[index]!);
}

function add(into: Float64Array, values: Float64Array, factor: number): void {
  for (let index = 0; index < into.length; index += 1) into[index] = into[index]! + factor * values[index]!;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += left[index]! * right[index]!;
  return sum;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

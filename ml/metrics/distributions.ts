/**
 * Tails of the normal and the chi-square distribution, to about 14 digits: tests compare them with
 * scipy's. By the incomplete gamma function (series below a + 1, continued fraction above; Press et al.,
 * Numerical Recipes, 6.2).
 */
const tiny = 1e-300;
const epsilon = 1e-16;

/** log Γ(x) for x > 0 (Lanczos, g = 7, nine coefficients: about 15 digits). */
function logGamma(x: number): number {
  const coefficients = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  const sum = coefficients.reduce(
    (total, coefficient, index) => total + (index === 0 ? coefficient : coefficient / (shifted + index)),
    0,
  );
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The upper incomplete gamma function, regularised: Q(a, x). */
function gammaTail(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 1000 && term > sum * epsilon; n += 1) {
      term *= x / (a + n);
      sum += term;
    }
    return Math.max(0, 1 - sum * front);
  }
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1000; n += 1) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / notNought(factor * d + b);
    c = notNought(b + factor / c);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < epsilon) break;
  }
  return front * fraction;
}

function notNought(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** P(X > x) of a chi-square variable. */
export function chiSquareTail(x: number, degrees: number): number {
  return gammaTail(degrees / 2, x / 2);
}

/** P(|Z| > |z|) of a standard normal variable. */
export function twoSidedP(z: number): number {
  return gammaTail(0.5, (z * z) / 2);
}

/** 97.5 % of a standard normal variable lie below: what makes a 95 % interval of a standard error. */
export const z95 = 1.959963984540054;

// How numbers lie on an axis, and how its figures are written.

const WIDE = 1000; // from the smallest to the largest, of a scale that is read in powers of ten

/** Whether values, null where there is none, are only to be told apart on a logarithmic scale: learning rates, sizes. */
export function isWide(values) {
  const there = values.filter((value) => value !== null);
  if (!there.length || there.some((value) => typeof value !== "number" || value <= 0)) return false;
  const [low, high] = extremes(there);
  return high / low > WIDE;
}

/** How plotly writes figures: large ones as 20k and 11G, small ones as 1e-5, which nobody reads as 10µ. */
export function figures(values) {
  const numbers = values.filter((value) => typeof value === "number");
  return { exponentformat: numbers.every((value) => Math.abs(value) < 1) ? "e" : "SI" };
}

/** The smallest and the largest of numbers, which may be too many for the arguments of a function. */
export const extremes = (numbers) => numbers.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);

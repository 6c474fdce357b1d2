/** Chance by seed: the same seed and place give the same draw, in whatever order the places are reached. */

/** A number from 0 up to 1 for a seed and a place, such as a request's number and a fault's. */
export function chanceAt(seed: number, ...place: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (const part of [seed, ...place]) hash = mix(hash ^ mix(part + 0x9e3779b9));
  return hash / 2 ** 32;
}

/** A whole number from 1 to `most` for a seed and a place. */
export function pickAt(most: number, seed: number, ...place: readonly number[]): number {
  return 1 + Math.floor(chanceAt(seed, ...place) * most);
}

/** Spreads the bits of a number over 32: neighbouring seeds must have nothing in common. */
function mix(number: number): number {
  let bits = number >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

/**
 * Folds `value` into a running 32-bit hash; every bit of both reaches every bit of the result (murmur3's finalizer).
 */
export function mix(hash: number, value: number): number {
  let h = hash ^ Math.imul(value | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit hash of a text's UTF-16 units. */
export function hashText(text: string, seed = 0): number {
  let hash = mix(seed, text.length);
  for (let at = 0; at < text.length; at++) hash = mix(hash, text.charCodeAt(at));
  return hash;
}

/** `text` as so many hexadecimal digits that only look random: ids that are the same on every run. */
export function hashHex(text: string, digits: number): string {
  let hex = "";
  for (let round = 0; hex.length < digits; round++) hex += hashText(text, round).toString(16).padStart(8, "0");
  return hex.slice(0, digits);
}

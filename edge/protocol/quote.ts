/**
 * A name or an address that a caller sent, fit for a message to that caller: no more than `charsMax` characters, and
 * only those that names and paths are made of; the secret part of a key is left out.
 */
export function quoteName(text: string, charsMax = 128): string {
  const shown = text.slice(0, charsMax).replace(/sk-pen-[\w-]*/g, "sk-pen-…");
  const plain = shown.replace(/[^\p{L}\p{N}_\-./:@+~% …]/gu, "?");
  return text.length > charsMax ? `${plain}…` : plain;
}

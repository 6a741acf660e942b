/**
 * SHA-256 (FIPS 180-4, section 6.2) for small inputs. In workerd, node:crypto makes an object with a stream in it for
 * each hash, which costs more than hashing the body of a short call (docs/decisions/0005). Which steps are taken
 * depends on the length alone.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
const roundConstants = Int32Array.from(listPrimes(64), (prime) => takeFraction(Math.cbrt(prime)));
/** The same of the square roots of the first eight (section 5.3.3). */
const initialState = Int32Array.from(listPrimes(8), (prime) => takeFraction(Math.sqrt(prime)));

const blockBytes = 64;
/** Where the message's length in bits begins in the last block. */
const lengthAt = 56;
/** Reused by all calls: hashing is synchronous, and every word is written before it is read. */
const schedule = new Int32Array(64);
const lastBlocks = new Uint8Array(2 * blockBytes);

/** SHA-256 as eight words, each a signed 32-bit integer, most significant byte first. */
export function hashSha256(bytes: Uint8Array): Int32Array {
  return finishSha256({ state: initialState, bytesBefore: 0 }, bytes);
}

/** How far a hash has come: its eight words, after so many bytes, whole blocks of 64. */
export interface Sha256Start {
  readonly state: Int32Array;
  readonly bytesBefore: number;
}

/** Hashes the first block of a message, of 64 bytes: `finishSha256` goes on from there, as often as one likes. */
export function startSha256(block: Uint8Array): Sha256Start {
  const state = initialState.slice();
  compress(state, block, 0);
  return { state, bytesBefore: blockBytes };
}

/**
 * The SHA-256 of a message that began like this and ends with these bytes, or the first `length` of them, as
 * `hashSha256` gives it.
 */
export function finishSha256(start: Sha256Start, bytes: Uint8Array, length = bytes.length): Int32Array {
  const state = start.state.slice();
  const wholeBytes = length - (length % blockBytes);
  for (let at = 0; at < wholeBytes; at += blockBytes) compress(state, bytes, at);
  const rest = length - wholeBytes;
  lastBlocks.fill(0);
  for (let at = 0; at < rest; at++) lastBlocks[at] = bytes[wholeBytes + at] ?? 0;
  lastBlocks[rest] = 0x80;
  const padded = rest < lengthAt ? blockBytes : 2 * blockBytes;
  const allBytes = start.bytesBefore + length;
  // A message of 512 MiB or more has more bits than four bytes count; the rest of the eight is its upper half.
  writeWord(lastBlocks, padded - 8, Math.floor(allBytes / 2 ** 29));
  writeWord(lastBlocks, padded - 4, allBytes << 3);
  for (let at = 0; at < padded; at += blockBytes) compress(state, lastBlocks, at);
  return state;
}

function compress(state: Int32Array, bytes: Uint8Array, start: number): void {
  fillSchedule(bytes, start);
  // Read and written one by one: an iterator over eight words costs as much as ten rounds.
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  let e = state[4] ?? 0;
  let f = state[5] ?? 0;
  let g = state[6] ?? 0;
  let h = state[7] ?? 0;
  for (let round = 0; round < 64; round++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const chosen = g ^ (e & (f ^ g));
    const added = (h + sum1 + chosen + (roundConstants[round] ?? 0) + (schedule[round] ?? 0)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (c & (a ^ b));
    h = g;
    g = f;
    f = e;
    e = (d + added) | 0;
    d = c;
    c = b;
    b = a;
    a = (added + sum0 + majority) | 0;
  }
  add(state, 0, a);
  add(state, 1, b);
  add(state, 2, c);
  add(state, 3, d);
  add(state, 4, e);
  add(state, 5, f);
  add(state, 6, g);
  add(state, 7, h);
}

function fillSchedule(bytes: Uint8Array, start: number): void {
  for (let word = 0; word < 16; word++) {
    const at = start + 4 * word;
    schedule[word] =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }
  for (let word = 16; word < 64; word++) {
    const early = schedule[word - 15] ?? 0;
    const late = schedule[word - 2] ?? 0;
    const sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    schedule[word] = ((schedule[word - 16] ?? 0) + sigma0 + (schedule[word - 7] ?? 0) + sigma1) | 0;
  }
}

/** Assigning to an Int32Array keeps the low 32 bits. */
function add(state: Int32Array, index: number, word: number): void {
  state[index] = (state[index] ?? 0) + word;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Writes a word, most significant byte first. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  for (let byte = 0; byte < 4; byte++) bytes[at + byte] = word >>> (24 - 8 * byte);
}

function takeFraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

function listPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  return primes;
}

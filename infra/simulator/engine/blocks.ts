import { hashText, mix } from "../text/hash.ts";

/** Tokens in a block, as vLLM has it on a GPU. */
export const blockTokens = 16;

/**
 * The KV pool: a fixed number of blocks, each free or held by one or more sequences. A full block is known by the hash
 * of all tokens up to its end and of the cache salt; a freed block keeps its content, and can be found again, until it
 * is needed for something else (least recently freed first).
 */
export class BlockPool {
  readonly total: number;
  readonly #holders: Int32Array;
  readonly #keyByBlock: (string | null)[];
  readonly #byKey = new Map<string, number>();
  /** Insertion order is the order in which blocks are taken: a set is a queue from whose middle one can take. */
  readonly #free = new Set<number>();

  constructor(total: number) {
    this.total = total;
    this.#holders = new Int32Array(total);
    this.#keyByBlock = Array.from({ length: total }, () => null);
    for (let block = 0; block < total; block++) this.#free.add(block);
  }

  get freeCount(): number {
    return this.#free.size;
  }

  get usedCount(): number {
    return this.total - this.#free.size;
  }

  /** Takes one block, forgetting what it held; `null` when all are held. */
  take(): number | null {
    const [block] = this.#free;
    if (block === undefined) return null;
    this.#free.delete(block);
    this.#forget(block);
    this.#holders[block] = 1;
    return block;
  }

  /** The longest run of cached blocks that these keys begin with. Holds nothing yet. */
  find(keys: readonly string[]): number[] {
    const found: number[] = [];
    for (const key of keys) {
      const block = this.#byKey.get(key);
      if (block === undefined) break;
      found.push(block);
    }
    return found;
  }

  /** How many of these blocks are free now, and would thus be used up by holding them. */
  freeAmong(blocks: readonly number[]): number {
    return blocks.reduce((count, block) => count + (this.#free.has(block) ? 1 : 0), 0);
  }

  /** Adds one holder to a block that `find` returned. */
  share(block: number): void {
    this.#free.delete(block);
    this.#holders[block] = (this.#holders[block] ?? 0) + 1;
  }

  /** Records what a full block holds, so that others can find it. The first block with a key keeps it. */
  name(block: number, key: string): void {
    if (this.#byKey.has(key)) return;
    this.#byKey.set(key, block);
    this.#keyByBlock[block] = key;
  }

  /** Gives back one sequence's blocks, last first: the beginning of a prompt is the part most worth keeping. */
  release(blocks: readonly number[]): void {
    for (let at = blocks.length - 1; at >= 0; at--) {
      const block = blocks[at] ?? 0;
      const holders = (this.#holders[block] ?? 0) - 1;
      if (holders < 0) throw new Error(`block ${block} released more often than held`);
      this.#holders[block] = holders;
      if (holders === 0) this.#free.add(block);
    }
  }

  #forget(block: number) {
    const key = this.#keyByBlock[block];
    if (typeof key !== "string") return;
    this.#byKey.delete(key);
    this.#keyByBlock[block] = null;
  }
}

/**
 * The keys of full blocks of one sequence, made as it grows. Two 32-bit halves: a false hit is out of the question in
 * any test.
 */
export class BlockKeys {
  readonly keys: string[] = [];
  #high: number;
  #low: number;

  constructor(salt: string) {
    this.#high = hashText(salt, 1);
    this.#low = hashText(salt, 2);
  }

  /** Makes the keys of all blocks that are full in `tokens`. */
  extend(tokens: readonly number[]): void {
    while ((this.keys.length + 1) * blockTokens <= tokens.length) {
      const start = this.keys.length * blockTokens;
      for (let at = start; at < start + blockTokens; at++) {
        const token = tokens[at] ?? 0;
        this.#high = mix(this.#high, token);
        this.#low = mix(this.#low ^ 0x5bd1e995, token);
      }
      this.keys.push(`${this.#high}.${this.#low}`);
    }
  }
}

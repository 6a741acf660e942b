import { nothing, type EngineUse } from "./fair-share.ts";

/** What each org has at one engine. An org without a call is not remembered. */
export class Callers {
  readonly #byOrg = new Map<string, EngineUse>();
  #total: EngineUse = { ...nothing };

  /** Of all orgs together. */
  get total(): Readonly<EngineUse> {
    return this.#total;
  }

  /** What an org has, and what all others have. */
  read(org: string): { own: EngineUse; others: EngineUse } {
    const own = this.#byOrg.get(org) ?? nothing;
    return { own: { ...own }, others: add(this.#total, own, -1) };
  }

  /** Counts a call that begins. */
  begin(org: string, amounts: EngineUse): void {
    this.#byOrg.set(org, add(this.#byOrg.get(org) ?? nothing, amounts, 1));
    this.#total = add(this.#total, amounts, 1);
  }

  /** Counts the end of a call that `begin` was told of with the same amounts. */
  end(org: string, amounts: EngineUse): void {
    const rest = add(this.#byOrg.get(org) ?? nothing, amounts, -1);
    if (rest.calls === 0) this.#byOrg.delete(org);
    else this.#byOrg.set(org, rest);
    this.#total = add(this.#total, amounts, -1);
  }

  /** How many orgs have a call here. */
  get size(): number {
    return this.#byOrg.size;
  }
}

function add(one: EngineUse, other: EngineUse, sign: 1 | -1): EngineUse {
  return {
    calls: one.calls + sign * other.calls,
    sequences: one.sequences + sign * other.sequences,
    tokens: one.tokens + sign * other.tokens,
  };
}

import type { HoldId, KeyId } from "../../agreements/tokens/ids.ts";
import { waitingMax } from "../../limits.ts";
import type { SlotWait } from "./plan.ts";

/** One ask that waits, until when (Unix ms). */
export interface WaitingAsk {
  hold: HoldId;
  key: KeyId;
  untilMs: number;
}

/**
 * What became of an ask whose turn it was: it was granted (`served`); it has its denial (`ended`); or it waits on, and
 * what it waits for is in the way of so many.
 */
export type TurnEnd = "served" | "ended" | SlotWait["blocks"];

/**
 * The asks of one org that wait, in order: its keys take turns, and each key's asks go first come, first served. An ask
 * is passed over only while it does not fit, so nobody waits for what is free.
 */
export class WaitingLine<Ask extends WaitingAsk> {
  /** No list is empty. The key whose turn is next comes first. */
  readonly #asksByKey = new Map<KeyId, Ask[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the first of them has waited long enough; `Infinity` when nobody waits. */
  get nextDeadlineMs(): number {
    let next = Infinity;
    for (const asks of this.#asksByKey.values()) for (const { untilMs } of asks) next = Math.min(next, untilMs);
    return next;
  }

  /** Puts an ask behind all others of its key, and a new key behind all other keys. False when too many wait. */
  add(ask: Ask): boolean {
    if (this.#size >= waitingMax) return false;
    const mine = this.#asksByKey.get(ask.key);
    if (mine) mine.push(ask);
    else this.#asksByKey.set(ask.key, [ask]);
    this.#size++;
    return true;
  }

  /**
   * Gives everybody their turn until none fits any more. A grant leaves less for the others, so whoever did not fit
   * before it does not fit after.
   */
  serve(tryAsk: (ask: Ask) => TurnEnd): void {
    const blocked = new Set<KeyId>();
    for (let key = this.#findNext(blocked); key !== null; key = this.#findNext(blocked)) {
      const turn = this.#serveKey(key, tryAsk);
      if (turn === "org") return;
      if (turn !== "served") blocked.add(key);
    }
  }

  /** Takes an ask out; `null` when it does not wait. */
  cancel(hold: HoldId): Ask | null {
    return this.#takeWhere((ask) => ask.hold === hold)[0] ?? null;
  }

  /** Takes out those who have waited long enough, each key's in order. */
  takeLate(nowMs: number): Ask[] {
    return this.#takeWhere(({ untilMs }) => untilMs <= nowMs);
  }

  #findNext(blocked: Set<KeyId>): KeyId | null {
    for (const key of this.#asksByKey.keys()) if (!blocked.has(key)) return key;
    return null;
  }

  /** Serves one ask of the key; its next turn comes after all others'. */
  #serveKey(key: KeyId, tryAsk: (ask: Ask) => TurnEnd): TurnEnd {
    // Whoever is taken out leaves a new list, so this one stands.
    for (const ask of this.#asksByKey.get(key) ?? []) {
      const turn = tryAsk(ask);
      if (turn === "org" || turn === "key") return turn;
      if (turn === "ask") continue;
      const others = this.#remove(key, ask);
      if (turn === "ended") continue;
      this.#asksByKey.delete(key);
      if (others.length > 0) this.#asksByKey.set(key, others);
      return turn;
    }
    return "key";
  }

  #takeWhere(isTaken: (ask: Ask) => boolean): Ask[] {
    const taken = Array.from(this.#asksByKey.values()).flatMap((asks) => asks.filter(isTaken));
    for (const ask of taken) this.#remove(ask.key, ask);
    return taken;
  }

  #remove(key: KeyId, ask: Ask): Ask[] {
    const others = this.#asksByKey.get(key)?.filter((other) => other !== ask) ?? [];
    if (others.length > 0) this.#asksByKey.set(key, others);
    else this.#asksByKey.delete(key);
    this.#size--;
    return others;
  }
}

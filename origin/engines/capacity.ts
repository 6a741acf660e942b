import { Refusal } from "#edge/errors.ts";

/** A slot taken at an engine; releasing it twice changes nothing. */
export interface EngineSlot {
  release(): void;
}

/** How many calls and KV tokens are promised at one engine. */
export interface Capacity {
  /**
   * Takes a slot for one call. Throws 503 `server_is_overloaded` when calls or tokens would exceed the bound; an idle
   * engine takes any call.
   */
  take(tokens: number): EngineSlot;
  readonly inflight: number;
  readonly heldTokens: number;
}

/**
 * Opens the capacity of one engine. It protects the GPU from mistakes of an edge, and from edges that know nothing of
 * each other. `readPoolTokens` is read at each call, since the engine reports its pool only once it runs; while it is
 * unknown, only calls are counted.
 */
export function openCapacity(
  bounds: { inflightMax: number; kvPromiseMax: number },
  readPoolTokens: () => number | null,
): Capacity {
  let inflight = 0;
  let heldTokens = 0;

  function hasRoomFor(tokens: number): boolean {
    if (inflight === 0) return true;
    if (inflight >= bounds.inflightMax) return false;
    const pool = readPoolTokens();
    return pool === null || heldTokens + tokens <= pool * bounds.kvPromiseMax;
  }

  return {
    take(tokens) {
      if (!hasRoomFor(tokens)) throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "engine_full" });
      inflight++;
      heldTokens += tokens;
      let isHeld = true;
      return {
        release() {
          if (!isHeld) return;
          isHeld = false;
          inflight--;
          heldTokens -= tokens;
        },
      };
    },
    get inflight() {
      return inflight;
    },
    get heldTokens() {
      return heldTokens;
    },
  };
}

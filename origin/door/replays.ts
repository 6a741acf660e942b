/**
 * Which tokens were used already. `isFresh` is true once for each id until `expiresAtMs`; `null` when no more can be
 * remembered.
 */
export interface ReplayCache {
  isFresh(jti: string, expiresAtMs: number): boolean | null;
  readonly size: number;
}

/**
 * Remembers at most `sizeMax` ids. When it is full of live ones it answers `null`, and the call must be refused:
 * forgetting one would let it in twice. Ids live in two generations of `lifeMs` (the longest a token may live); the
 * older one is dropped as a whole.
 */
export function openReplayCache(lifeMs: number, sizeMax: number, now: () => number): ReplayCache {
  let young = new Set<string>();
  let old = new Set<string>();
  let rotatedAtMs = now();

  function rotate(): void {
    const age = now() - rotatedAtMs;
    if (age < lifeMs) return;
    old = age < 2 * lifeMs ? young : new Set();
    young = new Set();
    rotatedAtMs = now();
  }

  return {
    isFresh(jti, expiresAtMs) {
      rotate();
      if (young.has(jti) || old.has(jti) || expiresAtMs <= now()) return false;
      if (young.size + old.size >= sizeMax) return null;
      young.add(jti);
      return true;
    },
    get size() {
      return young.size + old.size;
    },
  };
}

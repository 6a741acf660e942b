import { orgShareHeader, type CallMax } from "#edge/agreements/records/node.ts";
import { Refusal } from "#edge/errors.ts";
import type { AgentLimits } from "../../config.ts";
import { Callers } from "./callers.ts";
import { computeOrgMax, checkShare, type EngineUse, type Bounds } from "./fair-share.ts";

/** A slot taken at an engine; releasing it twice changes nothing. */
export interface EngineSlot {
  release(): void;
}

/** What a call asks of an engine. */
export interface CallNeed {
  org: string;
  sequences: number;
  /** Tokens that it may come to have; more than the pool count as the pool, since no more can run at once. */
  tokens: number;
}

/** What is promised at one engine, and to whom. */
export interface Capacity {
  /**
   * Takes a slot for one call. Throws 503 `server_is_overloaded`: logged as `org_share_full`, with a header for the
   * edge, when calls of the same org must end first; as `engine_full` when anyone's must.
   */
  take(need: CallNeed): EngineSlot;
  /** The largest call that fits the engine while it is idle. */
  readonly callMax: CallMax;
  readonly inflight: number;
  readonly sequences: number;
  readonly heldTokens: number;
}

/** The bounds of an engine that an agent is configured with. */
type CapacityLimits = Pick<AgentLimits, "inflightMax" | "sequencesMax" | "kvPromiseMax" | "orgShareMax">;

const retryAfterMs = 1_000;

/**
 * Opens the capacity of one engine. It protects the GPU from mistakes of an edge, and from edges that know nothing of
 * each other; and orgs from one another. `readPoolTokens` is read at each call, since the engine reports its pool only
 * once it runs; while it is unknown, calls and sequences alone are counted.
 */
export function openCapacity(limits: CapacityLimits, readPoolTokens: () => number | null): Capacity {
  const callers = new Callers();

  function take({ org, sequences, tokens }: CallNeed): EngineSlot {
    const pool = readPoolTokens();
    const wanted: EngineUse = { calls: 1, sequences, tokens: pool === null ? tokens : Math.min(tokens, pool) };
    const check = checkShare(wanted, callers.read(org), makeBounds(limits, pool), limits.orgShareMax);
    if (check === "org_share_full") throw refuseShare();
    if (check === "engine_full") throw new Refusal("server_is_overloaded", { retryAfterMs, log: "engine_full" });
    callers.begin(org, wanted);
    let isHeld = true;
    return {
      release() {
        if (!isHeld) return;
        isHeld = false;
        callers.end(org, wanted);
      },
    };
  }

  return {
    take,
    get callMax() {
      return computeCallMax(limits, readPoolTokens());
    },
    get inflight() {
      return callers.total.calls;
    },
    get sequences() {
      return callers.total.sequences;
    },
    get heldTokens() {
      return callers.total.tokens;
    },
  };
}

function makeBounds({ inflightMax, sequencesMax, kvPromiseMax }: CapacityLimits, pool: number | null): Bounds {
  return {
    calls: inflightMax,
    sequences: sequencesMax,
    tokens: pool === null ? null : Math.floor(pool * kvPromiseMax),
  };
}

/** Tokens are named only where the pool itself is more than an org's share of what is promised. */
function computeCallMax(limits: CapacityLimits, pool: number | null): CallMax {
  const bounds = makeBounds(limits, pool);
  const sequences = computeOrgMax(limits.sequencesMax, limits.orgShareMax, true);
  const tokens = bounds.tokens === null ? null : computeOrgMax(bounds.tokens, limits.orgShareMax, true);
  return { sequences, ...(tokens !== null && pool !== null && tokens < pool && { tokens }) };
}

/** The edge may try another node, and knows by the header that this one is no worse for it. */
function refuseShare(): Refusal {
  return new Refusal("server_is_overloaded", {
    retryAfterMs,
    message:
      "Your calls have all of this model's nodes that one organization may have. Try again when some have ended.",
    headers: { [orgShareHeader]: "full" },
    log: "org_share_full",
  });
}

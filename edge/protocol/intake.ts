import { Refusal } from "../errors.ts";
import { bodiesInReadingMax, bytesInReadingMax, orgBytesInReadingMax } from "../limits.ts";

/** Whose body is read: the key, or node, that was shown, and its org. */
export interface Sender {
  org: string;
  key: string;
}

/** What one body takes while it is read. */
export interface IntakeShare {
  /** Counts bytes that arrive, or will; refuses those that there is no room for, and counts none of them. */
  grow(bytes: number): Refusal | null;
  /** Counts the body among those of its key that take long; refuses it when there are too many. */
  stay(): Refusal | null;
  /** Gives all of it back. Only the first time has an effect. */
  leave(): void;
}

/** The bodies that an isolate has in reading. */
export interface Intake {
  enter(sender: Sender): IntakeShare;
  /** Bytes that are counted now. */
  readonly bytes: number;
}

/** How soon a body that there was no room for is worth sending again. */
const roomMs = 1_000;

const jsonBounds = { all: bytesInReadingMax, org: orgBytesInReadingMax };

/**
 * Counts what an isolate has in reading, so that half-sent bodies fill no memory (M5): bytes for each org and for all,
 * slow bodies for each key. Quick ones are counted by their bytes alone (docs/decisions/0011).
 */
export function openIntake({ all: allMax, org: orgMax } = jsonBounds): Intake {
  let all = 0;
  const bytesByOrg = new Map<string, number>();
  const bodiesByKey = new Map<string, number>();
  return {
    get bytes() {
      return all;
    },
    enter({ org, key }) {
      let own = 0;
      let isSlow = false;
      let hasLeft = false;
      return {
        grow(bytes) {
          const ofOrg = (bytesByOrg.get(org) ?? 0) + bytes;
          if (hasLeft || ofOrg > orgMax || all + bytes > allMax) return refuseFull();
          all += bytes;
          own += bytes;
          bytesByOrg.set(org, ofOrg);
          return null;
        },
        stay() {
          const bodies = (bodiesByKey.get(key) ?? 0) + 1;
          if (bodies > bodiesInReadingMax) return refuseMany();
          isSlow = true;
          bodiesByKey.set(key, bodies);
          return null;
        },
        leave() {
          if (hasLeft) return;
          hasLeft = true;
          all -= own;
          subtract(bytesByOrg, org, own);
          if (isSlow) subtract(bodiesByKey, key, 1);
        },
      };
    },
  };
}

/** What this isolate has in reading. */
export const isolateIntake = openIntake();

function subtract(counts: Map<string, number>, name: string, count: number): void {
  const rest = (counts.get(name) ?? 0) - count;
  if (rest > 0) counts.set(name, rest);
  else counts.delete(name);
}

function refuseFull(): Refusal {
  return new Refusal("server_is_overloaded", {
    message: "Too many bytes of request bodies are arriving at once; nothing was charged. Send this one again.",
    retryAfterMs: roomMs,
    log: "no room for a body in reading",
  });
}

function refuseMany(): Refusal {
  return new Refusal("concurrency_exceeded", {
    message: `This API key has ${bodiesInReadingMax} calls whose bodies have not arrived yet.`,
    retryAfterMs: roomMs,
  });
}

import { leakKeysAgainMs, leakKeysMs } from "../../agreements/webhooks/limits.ts";
import type { LeakKeys } from "../../control/http/port.ts";
import { OutOfReach } from "../../errors.ts";
import { readCapped } from "./read-capped.ts";

const bytesMax = 64 * 1024;
const waitMsMax = 5_000;

/**
 * The public keys of a reporter, read from its address as GitHub publishes them (`public_keys`), and believed for an
 * hour. A key that is not among them has them read again, at most once a minute, so that forged reports cost the
 * reporter's address nothing. Throws an OutOfReach while they cannot be read and none that it knows are that young.
 */
export function fetchLeakKeys(url: string, read: typeof fetch): LeakKeys {
  let keys = new Map<string, string>();
  let readAtMs = -Infinity;
  let triedAtMs = -Infinity;
  return {
    async find(identifier, nowMs) {
      const isOld = () => nowMs - readAtMs > leakKeysMs;
      if ((isOld() || !keys.has(identifier)) && nowMs - triedAtMs > leakKeysAgainMs) {
        triedAtMs = nowMs;
        const fresh = await readKeys(url, read);
        if (fresh) [keys, readAtMs] = [fresh, nowMs];
      }
      if (isOld()) throw new OutOfReach("the reporter's public keys cannot be read");
      return keys.get(identifier) ?? null;
    },
  };
}

async function readKeys(url: string, read: typeof fetch): Promise<Map<string, string> | null> {
  try {
    const headers = { accept: "application/json", "user-agent": "Penstock/1" };
    const response = await read(url, { headers, redirect: "manual", signal: AbortSignal.timeout(waitMsMax) });
    const body = await readCapped(response, bytesMax);
    if (!response.ok) return null;
    const { public_keys } = JSON.parse(body) as { public_keys?: { key_identifier?: unknown; key?: unknown }[] };
    if (!Array.isArray(public_keys)) return null;
    return new Map(
      public_keys.flatMap(({ key_identifier: id, key }) =>
        typeof id === "string" && typeof key === "string" ? [[id, key] as const] : [],
      ),
    );
  } catch {
    return null;
  }
}

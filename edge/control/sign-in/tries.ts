import { findNetwork, isInRanges, readIp } from "../../agreements/ip.ts";
import { HmacKey } from "../../agreements/hmac.ts";
import type { IpRange } from "../../agreements/records/key.ts";
import { Refusal } from "../../errors.ts";
import {
  codeMs,
  codesPerAccountMax,
  codesPerNetworkMax,
  signInWindowMs,
  triesPerAccountMax,
  triesPerNetworkMax,
} from "../../agreements/settings/sign-in-limits.ts";
import type { Database } from "../http/store.ts";
import { countTry, uncountTry } from "./queries.ts";

/** What is counted, and how often it may be in its time. */
const bounds = {
  codeByAccount: codesPerAccountMax,
  codeByNetwork: codesPerNetworkMax,
  tryByAccount: triesPerAccountMax,
  tryByNetwork: triesPerNetworkMax,
} as const;

/** A kind of try. */
export type TryKind = keyof typeof bounds;

/** Of a code of TOTP: it is good for a minute and a half at most, so for so long it is remembered that it was used. */
const totpMemoryMs = 120_000;

/** Counts of tries, which all isolates share. */
export interface Tries {
  /** Counts one; refuses with 429 when there were too many. The answer takes it back. */
  count(kind: TryKind, who: string, nowMs: number): Promise<() => Promise<void>>;
  /** The same for the caller's network, where it is known and not exempt. */
  countNetwork(kind: TryKind, headers: Headers, nowMs: number): Promise<void>;
  /** Uses up a user's code of TOTP; false when it was used before. */
  spendTotp(user: string, code: string, nowMs: number): Promise<boolean>;
  /** Uses up the state that a browser was sent to an issuer with; false when it was used before. */
  spendState(state: string, nowMs: number): Promise<boolean>;
}

/** Which networks are not counted, and which header tells a caller's address. */
export interface TriesTerms {
  secret: string;
  header: string | null;
  exempt: IpRange[];
}

/** Opens the counts in the store of the control plane. What is stored tells neither who tried nor from where. */
export function openTries(db: Database, { secret, header, exempt }: TriesTerms): Tries {
  const key = new HmacKey(new TextEncoder().encode(`tries ${secret}`));
  const count: Tries["count"] = async (kind, who, nowMs) => {
    const id = key.sign(`${kind} ${who}`);
    const { tries, ends_at_ms } = await countTry(db, id, { nowMs, endsAtMs: nowMs + signInWindowMs });
    if (tries > bounds[kind])
      throw new Refusal("rate_limit_exceeded", {
        message: "Too many tries to sign in. Wait a little, then try again.",
        retryAfterMs: Math.max(1_000, ends_at_ms - nowMs),
        mayRetry: false,
        log: `${kind} exceeded`,
      });
    return () => uncountTry(db, id);
  };
  const spend = async (what: string, nowMs: number, forMs: number) =>
    (await countTry(db, key.sign(what), { nowMs, endsAtMs: nowMs + forMs })).tries === 1;
  return {
    count,
    async countNetwork(kind, headers, nowMs) {
      const ip = header === null ? null : readIp(headers.get(header) ?? "");
      if (ip !== null && !isInRanges(ip, exempt)) await count(kind, findNetwork(ip), nowMs);
    },
    spendTotp: (user, code, nowMs) => spend(`totp ${user} ${code}`, nowMs, totpMemoryMs),
    spendState: (state, nowMs) => spend(`state ${state}`, nowMs, codeMs),
  };
}

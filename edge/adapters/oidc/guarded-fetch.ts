import { BadTarget, findForbidden, isLoopback, readTarget } from "../../agreements/webhooks/target.ts";
import type { Resolver } from "../../control/http/port.ts";
import { OutOfReach } from "../../errors.ts";
import { readCapped } from "../web/read-capped.ts";

/** What a fetch is held to. Without a `guard` it may go anywhere: the address is the operator's own. */
export interface FetchTerms {
  fetch: typeof fetch;
  guard: { resolver: Pick<Resolver, "resolve">; isLocal: boolean } | null;
}

/** What is sent. */
export interface GuardedRequest {
  method: string;
  headers: Record<string, string>;
  body?: URLSearchParams | undefined;
}

/** How long an issuer may take for one answer. */
const answerWaitMsMax = 8_000;
/** What is read of it: metadata, keys and tokens are some kilobytes. */
const answerBytesMax = 256 * 1024;

/**
 * A fetch for addresses that an org has set: https, a public name that leads to public addresses alone, no redirect, an
 * answer in time and within bounds (S11). Throws a BadTarget for an address that may not be asked, an OutOfReach when
 * nobody answers there.
 */
export function guardFetch({ fetch: send, guard }: FetchTerms) {
  return async (url: string, { method, headers, body: sent }: GuardedRequest): Promise<Response> => {
    if (guard) await refuseTarget(url, guard);
    try {
      const response = await send(url, {
        method,
        headers,
        body: sent ?? null,
        redirect: "manual",
        signal: AbortSignal.timeout(answerWaitMsMax),
      });
      const body = await readCapped(response, answerBytesMax);
      const isBare = response.status === 204 || response.status === 304;
      return new Response(isBare ? null : body, { status: response.status, headers: response.headers });
    } catch (cause) {
      throw new OutOfReach(`issuer: ${cause instanceof Error ? cause.name : "no answer"}`);
    }
  };
}

async function refuseTarget(text: string, { resolver, isLocal }: NonNullable<FetchTerms["guard"]>): Promise<void> {
  const url = readTarget(text, isLocal);
  if (isLoopback(url)) return;
  const addresses = await resolver.resolve(url.hostname);
  if (addresses.length === 0) throw new BadTarget("Its host was not found.");
  if (findForbidden(addresses) !== null) throw new BadTarget("Its host has an address that is not public.");
}

import { countCaller, countFailure } from "../identity/index.ts";
import { serveCall } from "../pipeline.ts";
import type { Ports } from "../ports.ts";
import { releaseForm } from "../protocol/media/hand.ts";
import { takesForm, type CallAddress } from "../protocol/openai/call.ts";
import type { Visit } from "../visit.ts";
import { routes } from "./routes.ts";

/** The addresses at which models are called, by exact path. All of them take POST alone. */
export const callAddresses: ReadonlyMap<string, CallAddress> = new Map(
  routes.flatMap(({ path, endpoint }): [string, CallAddress][] =>
    endpoint ? [[path, { endpoint, deployment: null }]] : [],
  ),
);

/**
 * Serves a call to a model, and counts the caller's address, where that takes time while the call is read. Whoever is
 * over the limit is told that and nothing else, whatever else is wrong.
 */
export function serveCounted(address: CallAddress, ports: Ports, visit: Visit): Promise<Response> {
  const answer = serveOne(address, ports, visit);
  return takesForm(address.endpoint) ? answer.finally(() => releaseForm(visit.request)) : answer;
}

async function serveOne(address: CallAddress, ports: Ports, visit: Visit): Promise<Response> {
  const counted = countCaller(visit, ports.ips);
  try {
    return await serveCall(visit, address, ports, counted);
  } catch (failure) {
    await counted;
    countFailure(visit, ports.ips, failure);
    throw failure;
  }
}

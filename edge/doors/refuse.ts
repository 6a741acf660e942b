import type { CallEndpoint } from "../agreements/paths.ts";
import { MisconfiguredError } from "../env.ts";
import { buildErrorHeaders, Refusal } from "../errors.ts";
import { drainUnread } from "../protocol/bytes.ts";
import type { Wire } from "../protocol/wires/wire.ts";
import { findProtocol, protocols, wires } from "../protocol/wires/wires.ts";
import type { Visit } from "../visit.ts";

/** Writes why a call to a model failed, in the protocol of its endpoint. */
export function refuseCall(visit: Visit, failure: unknown, endpoint: CallEndpoint): Promise<Response> {
  return refuse(visit, asRefusal(failure), wires[endpoint]);
}

/** Writes why anything else was refused, in the protocol of whoever asks. */
export function refuseVisit(visit: Visit, refusal: Refusal, path: string): Promise<Response> {
  return refuse(visit, refusal, protocols[findProtocol(path, visit.request.headers)]);
}

/**
 * Anything unforeseen is `internal`; what it was goes to the log by name only, since messages may quote what callers
 * sent.
 */
export function asRefusal(failure: unknown): Refusal {
  if (failure instanceof Refusal) return failure;
  if (failure instanceof MisconfiguredError) return new Refusal("misconfigured", { log: failure.message });
  if (!(failure instanceof Error)) return new Refusal("internal", { log: "thrown: no error" });
  return new Refusal("internal", { log: `${failure.name} at ${failure.stack?.split("\n")[1]?.trim() ?? "?"}` });
}

/** The only writer of errors; it reads on what the caller is still sending, so that the answer arrives. */
async function refuse(visit: Visit, refusal: Refusal, wire: Wire): Promise<Response> {
  visit.logRefusal(refusal);
  await drainUnread(visit.request);
  return new Response(JSON.stringify(wire.buildError(refusal, visit.id)), {
    status: wire.readStatus(refusal),
    headers: wire.addHeaders({ ...visit.headers, ...buildErrorHeaders(refusal) }, visit.now()),
  });
}

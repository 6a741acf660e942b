import { admit, confirm, hideModel, introspect, narrowScopes, onceHeld, rateHeaders } from "./admission/index.ts";
import { nameHold } from "./agreements/tokens/ids.ts";
import { answerEarly, answerStream, answerWhole, countPrompt, forward, type Answer } from "./forwarding/index.ts";
import { identify, mintClientToken, type ClientToken } from "./identity/index.ts";
import type { Ports } from "./ports.ts";
import { isEarly, readCall, type CallAddress } from "./protocol/openai/call.ts";
import { showModels, type ShownModels } from "./protocol/models/show.ts";
import { routeCall, writeTierHeader } from "./routing/index.ts";
import type { LeaveSignal, Visit } from "./visit.ts";

/**
 * Runs one inference call through the edge, top to bottom. A room refuses by throwing a Refusal, which the door writes.
 * Meanwhile the caller's address is counted: `counted` rejects over its limit, and is awaited before anything is held.
 */
export async function serveCall(
  visit: Visit,
  { endpoint, deployment }: CallAddress,
  ports: Ports,
  counted: Promise<void>,
): Promise<Response> {
  const credential = await identify(visit.request, ports, visit.now());
  const { org } = credential;
  const reading = readCall(visit, endpoint, ports.models, { deployment, sender: credential });
  const routing = reading.then((call) => ({ call, ...routeCall(visit, ports, org, call) }));
  const hide = (why: unknown) => counted.then(() => hideModel(ports.ledger, credential, endpoint, why));
  const { call, classification, tier, nodes } = await routing.catch(hide);
  const hold = nameHold(visit.id);
  const unheld = { org, hold, tier, tokensHeld: 0, completionTokens: 0, boundFactor: 1 };
  await counted;
  if (isEarly(call)) return confirm(ports.ledger, credential, call).then(() => answerEarly(visit, call, nodes));
  const grant = await admit(visit, ports.ledger, call, {
    credential,
    hold,
    tier,
    price: call.model.prices[tier],
    nowMs: visit.now(),
    graceMs: ports.holdGraceMs,
    boundFactor: ports.boundFactors.find({ org, model: call.model.id }),
    countPrompt: () => countPrompt(visit, { call, reserved: unheld, nodes }, ports.origin),
  });

  // From here on tokens are held: an origin that starts to answer settles them; every other path releases them here.
  const reserved = { ...unheld, ...grant };
  const start = async (signal: LeaveSignal) => {
    const result = await forward(visit, { call, reserved, nodes, signal }, ports.origin);
    if (result.kind === "answer") {
      const from = { org, model: call.model.id, node: result.node };
      for (const memory of [ports.classifier, ports.boundFactors])
        memory.learn(from, result.response.headers, visit.now());
      return { ...result, onBroken: () => onceHeld.noteRunning(visit, ports.ledger, reserved) };
    }
    await onceHeld.release(visit, ports.ledger, { ...reserved, mayRun: result.mayRun });
    throw result.refusal;
  };
  const buildHeaders = (answer: Answer | null) => ({
    ...visit.headers,
    ...rateHeaders(grant.rates),
    ...call.ignored.headers,
    "x-penstock-hold": hold,
    "x-penstock-tier": writeTierHeader(classification, answer?.servedBy ?? tier),
    "openai-processing-ms": String(visit.now() - visit.startedAtMs),
  });
  if (call.isStream) return answerStream(visit, start, { wire: call.wire, buildHeaders });
  const answer = await start(visit.leaving);
  return answerWhole(visit, answer, { wire: call.wire, buildHeaders, media: call.media });
}

/** Answers `GET /v1/models` and `/v1/models/{name}` with the models that the key may use. */
export async function serveModels(visit: Visit, name: string | null, ports: Ports): Promise<ShownModels> {
  const credential = await identify(visit.request, ports, visit.now());
  return showModels(visit.request, ports, await introspect(ports.ledger, credential, "models"), name);
}

/** Answers `POST /v1/client-tokens`: a short-lived token for browsers and apps, with at most the key's own scopes. */
export async function mintToken(visit: Visit, ports: Ports): Promise<ClientToken> {
  const credential = await identify(visit.request, ports, visit.now());
  const scopes = await introspect(ports.ledger, credential);
  return mintClientToken(visit, credential, ports.tokenKey, (wish) => narrowScopes(scopes, wish, ports.models));
}

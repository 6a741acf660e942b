import { admit, confirm, hideModel, introspect, onceHeld, rateHeaders } from "./admission/index.ts";
import { nameHold } from "./agreements/tokens/ids.ts";
import { answerEarly, answerStream, answerWhole, countPrompt, forward, type Answer } from "./forwarding/index.ts";
import { identify } from "./identity/index.ts";
import type { Ports } from "./ports.ts";
import { isEarly, readCall, type CallAddress } from "./protocol/openai/call.ts";
import { routeCall, writeTierHeader } from "./routing/index.ts";
import { keepAnswer, openRecall } from "./storage/index.ts";
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
  const recall = openRecall(visit, ports.storage, {
    org,
    confirm: () => introspect(ports.ledger, credential, endpoint),
  });
  const reading = readCall(visit, endpoint, ports.models, { deployment, sender: credential, recall });
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
    price: await ports.prices.find(visit, call.model, tier),
    nowMs: visit.now(),
    graceMs: ports.holdGraceMs,
    boundFactor: ports.boundFactors.find({ org, model: call.model.id }),
    noteDenial: (denial) => ports.noteDenial(visit, credential, denial),
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
      const { kept, isStream } = call;
      const response = kept
        ? keepAnswer(visit, ports.storage, { org, hold, isStream, kept }, result.response)
        : result.response;
      return { ...result, response, onBroken: () => onceHeld.noteRunning(visit, ports.ledger, reserved) };
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
  return answerWhole(visit, await start(visit.leaving), { wire: call.wire, buildHeaders, media: call.media });
}

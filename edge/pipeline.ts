import { admit, giveBack, look, rateHeaders } from "./admission/index.ts";
import { randomBase62, type HoldId } from "./agreements/tokens/ids.ts";
import { answerStream, answerWhole, countPrompt, forward, type Answer } from "./forwarding/index.ts";
import { identify, mintClientToken, type ClientToken } from "./identity/index.ts";
import type { Ports } from "./ports.ts";
import { Refusal } from "./errors.ts";
import { findModel, readCall, type EngineEndpoint } from "./protocol/openai/call.ts";
import { modelCard, type ModelCard, type ModelList } from "./protocol/openai/models.ts";
import { rank, tierHeader } from "./routing/index.ts";
import type { Visit } from "./visit.ts";

/**
 * Runs one inference call through the edge, top to bottom. A room refuses by throwing a Refusal, which the door writes.
 * Meanwhile the caller's address is counted: `counted` rejects when it is over its limit, and is awaited before
 * anything is held.
 */
export async function serveCall(
  visit: Visit,
  endpoint: EngineEndpoint,
  ports: Ports,
  counted: Promise<void>,
): Promise<Response> {
  const credential = await identify(visit.request, ports.keyring, ports.tokenKey, visit.now());
  const call = await readCall(visit, endpoint, ports.models);
  const verdict = ports.judge.judge(credential.org, call);
  const refresh = ports.fleet.refresh(visit.now());
  if (refresh) visit.afterwards(refresh);
  const wanted = {
    model: call.model.id,
    tier: verdict.tier,
    gpuSeconds: verdict.gpuSeconds,
    org: credential.org,
    affinity: call.affinity,
  };
  const nodes = rank(ports.fleet.view(visit.now()), wanted, Math.random).map((view) => view.record);

  const hold: HoldId = `hold_${randomBase62(22, visit.random)}`;
  const asked = { org: credential.org, hold, tier: verdict.tier, tokensHeld: 0, completionTokens: 0 };
  const terms = {
    credential,
    hold,
    tier: verdict.tier,
    price: call.model.prices[verdict.tier],
    nowMs: visit.now(),
    countPrompt: () => countPrompt(visit, call, asked, nodes[0], ports.origin),
  };
  await counted;
  const grant = await admit(visit, ports.ledger, call, terms);

  // From here on the org's tokens are held. An origin that starts to answer settles them; every other path releases
  // them here.
  const reserved = { ...asked, tokensHeld: grant.tokensHeld, completionTokens: grant.completionTokens };
  const start = async (left: AbortSignal) => {
    const result = await forward(visit, call, reserved, nodes, ports.origin, left);
    if (result.kind === "answer") {
      ports.judge.told(credential.org, call.model.id, result.node, result.response.headers, visit.now());
      return result;
    }
    await giveBack(visit, ports.ledger, { org: credential.org, hold, mayRun: result.mayRun });
    throw result.refusal;
  };
  const headersOf = (answer: Answer | null) => ({
    ...visit.headers,
    ...rateHeaders(grant.rates),
    "x-penstock-hold": hold,
    "x-penstock-tier": tierHeader(verdict, answer?.servedBy ?? verdict.tier),
    "openai-processing-ms": String(visit.now() - visit.startedAtMs),
  });
  if (call.isStream) return answerStream(visit, start, headersOf);
  const answer = await start(visit.request.signal);
  return answerWhole(answer, headersOf(answer));
}

/**
 * Answers `GET /v1/models` and `/v1/models/{id}` with the models that the key may use; any other model is not found.
 */
export async function serveModels(visit: Visit, id: string | null, ports: Ports): Promise<ModelList | ModelCard> {
  const credential = await identify(visit.request, ports.keyring, ports.tokenKey, visit.now());
  const scopes = await look(ports.ledger, credential);
  const cards = ports.models.filter(({ id }) =>
    [scopes, credential.token].every((narrow) => narrow?.models?.includes(id) ?? true),
  );
  if (id === null) return { object: "list", data: cards.map(modelCard) };
  const model = cards.find((record) => record.id === id || record.aliases.includes(id));
  if (!model) throw new Refusal("model_not_found", { param: "model" });
  return modelCard(model);
}

/** Answers `POST /v1/client-tokens`: a short-lived token for browsers and apps, with at most the key's own scopes. */
export async function mintToken(visit: Visit, ports: Ports): Promise<ClientToken> {
  const credential = await identify(visit.request, ports.keyring, ports.tokenKey, visit.now());
  await look(ports.ledger, credential);
  return mintClientToken(visit, credential, ports.tokenKey, (name) => findModel(ports.models, name, "models").id);
}

import { introspect, narrowScopes } from "./admission/index.ts";
import type { JsonObject } from "./agreements/json.ts";
import { identify, mintClientToken, type ClientToken } from "./identity/index.ts";
import type { Ports } from "./ports.ts";
import { showModels, type ShownModels } from "./protocol/models/show.ts";
import { answerStored, type StoredTask } from "./storage/index.ts";
import type { Visit } from "./visit.ts";

/*
 * What a key may ask for beside calls. Each question is answered only once the ledger has said that the key is in
 * force, and what it may use; nothing is held and nothing billed. A room refuses by throwing a Refusal.
 */

/** Answers `GET /v1/models` and `/v1/models/{name}` with the models that the key may use. */
export async function serveModels(visit: Visit, name: string | null, ports: Ports): Promise<ShownModels> {
  const credential = await identify(visit.request, ports, visit.now());
  const scopes = await introspect(ports.ledger, credential, "models");
  const models = ports.prices.show(ports.models, visit.now());
  return showModels(visit.request, { ...ports, models }, scopes, name);
}

/** Answers `POST /v1/client-tokens`: a short-lived token for browsers and apps, with at most the key's own scopes. */
export async function mintToken(visit: Visit, ports: Ports): Promise<ClientToken> {
  const credential = await identify(visit.request, ports, visit.now());
  const scopes = await introspect(ports.ledger, credential);
  return mintClientToken(visit, credential, ports.tokenKey, (wish) => narrowScopes(scopes, wish, ports.models));
}

/** Answers what is asked about a stored response, whose id is as the path has it. */
export async function serveStored(visit: Visit, task: StoredTask, id: string, ports: Ports): Promise<JsonObject> {
  const credential = await identify(visit.request, ports, visit.now());
  await introspect(ports.ledger, credential, "responses");
  const query = new URL(visit.request.url).searchParams;
  return answerStored(ports.storage, { task, org: credential.org, id, query, nowMs: visit.now() });
}

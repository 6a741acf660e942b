import { findByName, type Endpoint, type ModelRecord } from "../agreements/records/model.ts";
import type { Credential } from "../agreements/tokens/credential.ts";
import { Refusal } from "../errors.ts";
import type { Ledger, Scopes } from "../ledger/port.ts";
import type { Call } from "../protocol/openai/call.ts";
import { refuseModel } from "../protocol/openai/models.ts";
import { explainDenial } from "./denial.ts";

/** What a key or a token may use; `null` is any. */
type ScopeLists = Pick<Scopes, "endpoints" | "models">;

/**
 * Reads what a credential may use, the key's own scopes and then a token's, without reserving anything; refuses like a
 * call when the key is not in force, or when it may not use the endpoint.
 */
export async function introspect(
  ledger: Ledger,
  credential: Credential,
  endpoint: Endpoint | null = null,
): Promise<ScopeLists[]> {
  const answer = await ledger.introspect(credential).catch((cause: unknown) => {
    throw new Refusal("quota_unavailable", { retryAfterMs: 1_000, log: "ledger out of reach", cause });
  });
  if (answer.kind === "denial") throw explainDenial(answer);
  const scopes = credential.token ? [answer, credential.token] : [answer];
  if (endpoint === null || allows(scopes, "endpoints", endpoint)) return scopes;
  throw explainDenial({ kind: "denial", reason: "endpoint" });
}

/**
 * Lets through a call for which nothing is to be held: refuses as `admit` does a key that is not in force, or that may
 * use neither the endpoint nor the model.
 */
export async function confirm(
  ledger: Ledger,
  credential: Credential,
  { endpoint, model, named }: Pick<Call, "endpoint" | "model" | "named">,
): Promise<void> {
  const scopes = await introspect(ledger, credential, endpoint);
  if (!allows(scopes, "models", model.id)) throw refuseModel(named.name);
}

/**
 * Throws the failure that a caller hears of. One that tells of a model is for those who may use it: everybody else
 * hears what a whole call would have been refused with, and of the model that there is none. `endpoint` is null where
 * it follows from the model.
 */
export async function hideModel(
  ledger: Ledger,
  credential: Credential,
  endpoint: Endpoint | null,
  failure: unknown,
): Promise<never> {
  const about = failure instanceof Refusal ? failure.details.about : undefined;
  if (about === undefined) throw failure;
  const scopes = await introspect(ledger, credential, endpoint);
  const isTheirs = about.id !== null && allows(scopes, "models", about.id);
  throw isTheirs ? failure : refuseModel(about.name);
}

/**
 * The scopes of a client token, models by their ids: at most what its key has. Refuses a wish for more, and names it; a
 * model that the key may not use is one that is not there.
 */
export function narrowScopes(
  scopes: readonly ScopeLists[],
  wish: { endpoints?: Endpoint[] | null | undefined; models?: string[] | null | undefined },
  models: readonly ModelRecord[],
): ScopeLists {
  const wide = wish.endpoints?.findIndex((endpoint) => !allows(scopes, "endpoints", endpoint)) ?? -1;
  if (wide !== -1) {
    throw new Refusal("insufficient_permissions", {
      param: `endpoints[${wide}]`,
      message: `This API key may not use '${wish.endpoints?.[wide]}', so its tokens may not either.`,
    });
  }
  const ids = wish.models?.map((name, at) => {
    const model = findByName(models, name);
    if (!model || !allows(scopes, "models", model.id)) throw refuseModel(name, `models[${at}]`);
    return model.id;
  });
  return { endpoints: wish.endpoints ?? null, models: ids ?? null };
}

function allows(scopes: readonly ScopeLists[], list: keyof ScopeLists, name: string): boolean {
  return scopes.every((scope) => scope[list]?.some((one) => one === name) ?? true);
}

import { setTimeout as sleep } from "node:timers/promises";

/** The keys of an org that no limit stops. */
export interface FuzzKeys {
  /** The org's id. */
  id: string;
  model: string;
  admin: string;
  /** Makes a further key with scopes or limits of its own, as `POST /control/orgs/{org}/keys` takes them. */
  make(scopes: object): Promise<string>;
}

/** Makes an org for one run, so that no run meets what another left. */
export async function openFuzzOrg(edge: string, operatorKey: string): Promise<FuzzKeys> {
  const ask = async (method: string, path: string, body: object) => {
    const response = await fetch(`${edge}/control${path}`, {
      method,
      headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string; secret: string };
  };
  const { id } = await ask("POST", "/orgs", { name: "fuzz" });
  const limits = { requestsPerMinute: null, requestsPerHour: null, requestsPerDay: null, concurrency: null };
  await ask("PATCH", `/orgs/${id}`, { plan: "enterprise", limits: { ...limits, tokensPerDay: null } });
  const make = async (scopes: object) => (await ask("POST", `/orgs/${id}/keys`, { name: "fuzz", ...scopes })).secret;
  return { id, model: await make({}), admin: await make({ kind: "admin" }), make };
}

/** Waits until every model has a node. */
export async function waitUntilHealthy(edge: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await fetch(`${edge}/health`).catch(() => null))?.ok) return;
    await sleep(50);
  }
  throw new Error("the stack did not become healthy");
}

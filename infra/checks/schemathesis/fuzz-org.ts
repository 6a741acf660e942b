import { setTimeout as sleep } from "node:timers/promises";

/** The keys of an org that no limit stops. */
export interface FuzzKeys {
  model: string;
  admin: string;
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
  const model = await ask("POST", `/orgs/${id}/keys`, { name: "fuzz" });
  const admin = await ask("POST", `/orgs/${id}/keys`, { name: "fuzz", kind: "admin" });
  return { model: model.secret, admin: admin.secret };
}

/** Waits until every model has a node. */
export async function waitUntilHealthy(edge: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await fetch(`${edge}/health`).catch(() => null))?.ok) return;
    await sleep(50);
  }
  throw new Error("the stack did not become healthy");
}

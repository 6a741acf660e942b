/** What of the API's document is read here. */
interface Document {
  paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  parameters?: { name: string; in: string; schema?: { enum?: unknown[]; default?: unknown } }[];
}

/** What a scan may not do: it would end what the rest of it needs. */
const ending = /\/(revoke|move|leave|sign-out|close|bootstrap)$/;

/** The API's document for a scan of one org: its ids in the place of what paths name, and nothing that ends things. */
export async function writeScanDocument(edge: string, whose: { org: string; admin: string }): Promise<Document> {
  const { org, admin } = whose;
  const ask = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${admin}`, "content-type": "application/json" };
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${edge}/control/orgs/${org}${path}`, { headers, ...sent });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const [key, project, serviceAccount, budget] = await Promise.all([
    ask("/keys", { name: "scanned" }),
    ask("/projects", { name: "scanned" }),
    ask("/service-accounts", { name: "scanned" }),
    ask("/budgets", { amountMicros: 1_000_000 }),
  ]);
  const webhook = await ask("/webhooks", { url: "http://127.0.0.1:9/", types: ["key.leaked"] });
  const delivery = await ask(`/webhooks/${webhook.id}/test`, {});
  const made = { key, project, serviceAccount, budget, webhook, delivery };
  const ids = new Map([["org", org], ...Object.entries(made).map(([name, { id }]) => [name, id] as const)]);
  const { paths, ...rest } = (await (await fetch(`${edge}/openapi.json`)).json()) as Document;
  const scanned = Object.entries(paths).flatMap(([path, operations]) => {
    const kept = Object.entries(operations).filter(([method]) => method !== "delete" && !ending.test(path));
    if (kept.length === 0) return [];
    for (const [, { parameters = [] }] of kept)
      for (const { name, in: where, schema = {} } of parameters)
        schema.default ??= where === "path" ? (ids.get(name) ?? "x") : schema.enum?.[0];
    return [[path, Object.fromEntries(kept)] as const];
  });
  return { ...rest, paths: Object.fromEntries(scanned) };
}

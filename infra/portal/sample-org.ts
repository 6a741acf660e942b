import { setTimeout as sleep } from "node:timers/promises";

/** An org with keys, calls and limits, and the key of an operator who looks at it. */
export interface FilledOrg {
  org: string;
  adminKey: string;
}

const prompts = ["Why is the sea salt?", "Write a haiku about weirs", "Explain head and flow to a child"];

/** Makes an org that has something to show: keys of several kinds, calls of several models, limits that are near. */
export async function fillOrg(edge: string, adminKey: string): Promise<FilledOrg> {
  const send = async (
    method: string,
    path: string,
    body: unknown,
    key = adminKey,
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(edge + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  const make = async (path: string, body: unknown) => {
    const { id, secret } = await send("POST", path, body);
    return { id: String(id), secret: String(secret) };
  };
  const { id: org } = await make("/control/orgs", { name: "Salt Water Research", plan: "professional" });
  await send("PATCH", `/control/orgs/${org}`, {
    limits: { tokensPerDay: 6_000, costMicrosPerMonth: 25_000, requestsPerDay: 400 },
  });
  const keys = `/control/orgs/${org}/keys`;
  const production = await make(keys, { name: "production", models: ["chat", "text2sql"] });
  const notebook = await make(keys, { name: "notebook of the night shift", limits: { requestsPerHour: 60 } });
  const old = await make(keys, { name: "left behind" });
  await send("POST", `${keys}/${old.id}/revoke`, {});
  const turned = await make(keys, { name: "billing export" });
  await send("POST", `${keys}/${turned.id}/rotate`, { overlapSeconds: 86_400 });
  await make(keys, { name: "admin of the org", kind: "admin" });
  for (let round = 0; round < 12; round++) {
    const key = round % 3 === 0 ? notebook : production;
    const messages = [{ role: "user", content: prompts[round % prompts.length] }];
    const model = round % 4 === 0 ? "text2sql" : "chat";
    await send("POST", "/v1/chat/completions", { model, messages, max_tokens: 60 + 20 * round }, key.secret);
    if (round % 2 === 0) await send("POST", "/v1/embeddings", { model: "embed", input: prompts }, notebook.secret);
  }
  await sleep(2_500);
  return { org, adminKey };
}

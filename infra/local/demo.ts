import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * How to reach the demo org. Kept beside the state it belongs to, readable by its owner only; `penstock` (clients/cli)
 * reads it too.
 */
export interface Demo {
  edge: string;
  org: string;
  key: string;
  adminKey: string;
}

/**
 * The demo org of a state folder: made through the control API like any other, on the first start; later starts find it
 * again.
 */
export async function openDemo(stateDir: string, edge: string, bootstrapToken: string): Promise<Demo> {
  const file = join(stateDir, "dev.json");
  const known = readDemo(file);
  const demo = known ? { ...known, edge } : await makeDemo(edge, bootstrapToken);
  writeFileSync(file, JSON.stringify(demo, null, 2), { mode: 0o600 });
  return demo;
}

async function makeDemo(edge: string, bootstrapToken: string): Promise<Demo> {
  const operator: { key: { secret: string } } = await sendPost(`${edge}/control/bootstrap`, bootstrapToken, {});
  const adminKey = operator.key.secret;
  const org: { id: string } = await sendPost(`${edge}/control/orgs`, adminKey, { name: "demo", plan: "standard" });
  const key: { secret: string } = await sendPost(`${edge}/control/orgs/${org.id}/keys`, adminKey, { name: "demo" });
  return { edge, org: org.id, key: key.secret, adminKey };
}

async function sendPost<T>(url: string, key: string, body: unknown): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return JSON.parse(await response.text());
}

function readDemo(file: string): Demo | null {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

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

/** Whose the demo org is: she signs in with a code, which this machine shows instead of mailing it. */
const ownerEmail = "owner@example.test";

/**
 * The demo org of a state folder: made through the control API like any other, by its owner, on the first start; later
 * starts find it again.
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
  // Whoever makes an org is its owner; where a real mailer is set up, nobody but its reader has a code.
  const owner = (await signInOwner(edge)) ?? { authorization: `Bearer ${adminKey}` };
  const org: { id: string } = await send(`${edge}/control/orgs`, owner, { name: "demo" });
  const key: { secret: string } = await sendPost(`${edge}/control/orgs/${org.id}/keys`, adminKey, { name: "demo" });
  return { edge, org: org.id, key: key.secret, adminKey };
}

/** What a browser that the demo org's owner has signed in with sends; null where this machine does not show codes. */
export async function signInOwner(edge: string): Promise<Record<string, string> | null> {
  const email = ownerEmail;
  const ways = await fetch(`${edge}/auth/ways`);
  const { isLocalMail = false }: { isLocalMail?: boolean } = await ways.json();
  if (!isLocalMail) return null;
  const { localCode }: { localCode: string } = await send(`${edge}/auth/codes`, { origin: edge }, { email });
  const body = { email, code: localCode, name: "Owner" };
  const signedIn = await post(`${edge}/auth/sign-in/code`, { origin: edge }, body);
  const cookie = signedIn.headers.getSetCookie().map((set) => set.split(";", 1)[0] ?? "");
  return { origin: edge, cookie: cookie.join("; ") };
}

function sendPost<T>(url: string, key: string, body: unknown): Promise<T> {
  return send(url, { authorization: `Bearer ${key}` }, body);
}

async function send<T>(url: string, headers: Record<string, string>, body: unknown): Promise<T> {
  const response = await post(url, headers, body);
  return JSON.parse(await response.text());
}

async function post(url: string, headers: Record<string, string>, body: unknown): Promise<Response> {
  const init = {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  let response = await fetch(url, init);
  // On a busy machine a ledger's first answer can be later than the edge waits: 503 says to repeat it.
  for (let repeats = 0; response.status === 503 && repeats < 5; repeats++) {
    await setTimeout(1000);
    response = await fetch(url, init);
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
}

function readDemo(file: string): Demo | null {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

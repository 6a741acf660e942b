import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askEdge, showKey, signIn, type Credentials } from "./edge/ask-edge.ts";

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
  const operator: { key: { secret: string } } = await askEdge(`${edge}/control/bootstrap`, showKey(bootstrapToken), {});
  const adminKey = operator.key.secret;
  const admin = showKey(adminKey);
  // Whoever makes an org is its owner; where a real mailer is set up, nobody but its reader has a code.
  const owner = (await signInOwner(edge)) ?? admin;
  const org: { id: string } = await askEdge(`${edge}/control/orgs`, owner, { name: "demo" });
  const key: { secret: string } = await askEdge(`${edge}/control/orgs/${org.id}/keys`, admin, { name: "demo" });
  return { edge, org: org.id, key: key.secret, adminKey };
}

/** What a browser that the demo org's owner has signed in with sends; null where this machine does not show codes. */
export function signInOwner(edge: string): Promise<Credentials | null> {
  return signIn(edge, ownerEmail, "Owner");
}

function readDemo(file: string): Demo | null {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

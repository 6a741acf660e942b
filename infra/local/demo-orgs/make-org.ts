import { askEdge, showKey, signIn, type Credentials } from "../edge/ask-edge.ts";
import type { CastKey, CastOrg } from "./cast.ts";
import type { Mailbox } from "./mailbox.ts";

/** A demo org as it was made. */
export interface MadeOrg {
  name: string;
  id: string;
  /** By the names of the cast: ids for the past, secrets for calls of today (none where it was revoked). */
  keys: Record<string, { id: string; secret: string | null }>;
}

/** What it takes to make one. */
export interface OrgMaking {
  edge: string;
  adminKey: string;
  mailbox: Mailbox;
  /** Where its webhook leads. */
  receiver: string;
}

/**
 * Makes an org as people do, over the API: its owner makes and invites, the others accept and do their part. Returns
 * whoever pays as well, who has set nothing yet.
 */
export async function makeOrg(cast: CastOrg, making: OrgMaking): Promise<{ made: MadeOrg; billing: Credentials }> {
  const { edge, adminKey, receiver } = making;
  const [head] = cast.people;
  if (!head) throw new Error(`${cast.name} has nobody`);
  const owner = await enter(edge, head);
  const { id }: { id: string } = await askEdge(`${edge}/control/orgs`, owner, { name: cast.name });
  const at = (path: string) => `${edge}/control/orgs/${id}${path}`;
  await askEdge(at(""), showKey(adminKey), { plan: cast.plan, limits: cast.limits }, "PATCH");
  const people = await invitePeople(cast, making, { id, owner });
  const admin = people.get("admin") ?? owner;
  const projects = new Map<string, string>();
  for (const project of cast.projects)
    projects.set(project.name, (await askEdge<Named>(at("/projects"), admin, project)).id);
  const owners = await listOwners(at, owner);
  for (const { name, project } of cast.serviceAccounts) {
    const body = { name, project: projects.get(project) };
    owners.set(name, (await askEdge<Named>(at("/service-accounts"), admin, body)).id);
  }
  await askEdge(at("/webhooks"), admin, { url: receiver, description: "what this machine hears" });
  const keys: MadeOrg["keys"] = {};
  for (const key of cast.keys) {
    const body = {
      name: key.name,
      ...(key.project !== null && { project: projects.get(key.project) }),
      ...(key.owner !== null && { owner: owners.get(key.owner) }),
      ...(key.limits && { limits: key.limits }),
    };
    const made: { id: string; secret: string } = await askEdge(at("/keys"), admin, body);
    keys[key.name] = { id: made.id, secret: await meetFate(key, made, { at, admin }) };
  }
  return { made: { name: cast.name, id, keys }, billing: people.get("billing") ?? owner };
}

interface Named {
  id: string;
}

async function enter(edge: string, { email, name }: { email: string; name: string }): Promise<Credentials> {
  const credentials = await signIn(edge, email, name);
  if (!credentials) throw new Error("--demo needs an edge that shows codes of mail (MAIL=local)");
  return credentials;
}

/** Everybody but the owner, by role. */
async function invitePeople(
  cast: CastOrg,
  { edge, mailbox }: OrgMaking,
  { id, owner }: { id: string; owner: Credentials },
): Promise<Map<string, Credentials>> {
  const people = new Map<string, Credentials>();
  for (const person of cast.people.slice(1)) {
    const { email, role } = person;
    await askEdge(`${edge}/control/orgs/${id}/invitations`, owner, { email, role });
    const token = (await mailbox.wait(email, /(?<=\/portal\/invitation#)\w+/)).trim();
    const credentials = await enter(edge, person);
    await askEdge(`${edge}/control/invitations/accept`, credentials, { token });
    people.set(role, credentials);
  }
  return people;
}

/** Who may own keys, by role: the people of the org. */
async function listOwners(at: (path: string) => string, owner: Credentials): Promise<Map<string, string>> {
  const { members }: { members: { user: string; role: string }[] } = await askEdge(at("/members"), owner);
  return new Map(members.map(({ user, role }) => [role, user]));
}

/** What becomes of a key after it was made; the secret that serves from then on. */
async function meetFate(
  { fate }: CastKey,
  { id, secret }: { id: string; secret: string },
  { at, admin }: { at: (path: string) => string; admin: Credentials },
): Promise<string | null> {
  if (fate === "revoked") {
    await askEdge(at(`/keys/${id}/revoke`), admin, {});
    return null;
  }
  if (fate !== "rotated") return secret;
  const rotated: { secret: string } = await askEdge(at(`/keys/${id}/rotate`), admin, { overlapSeconds: 86_400 });
  return rotated.secret;
}

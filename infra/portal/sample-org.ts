import { setTimeout as sleep } from "node:timers/promises";
import { sendAs, signInPerson, type SignedInHeaders } from "./sample-people.ts";

/** An org with people, keys, calls and limits, and who looks at it: its owner, who is an operator as well. */
export interface FilledOrg {
  org: string;
  email: string;
}

/** What filling an org takes of its stack. */
interface SampleWorld {
  edge: string;
  operatorKey: string;
  /** Where webhooks of the org are heard. */
  hookUrl: string;
  /** The link that somebody was mailed, which stays in the stack's log. */
  readLink(email: string): Promise<string>;
}

const prompts = ["Why is the sea salt?", "Write a haiku about weirs", "Explain head and flow to a child"];
const people = [
  { name: "Dale Fenn", email: "dale@example.test", role: "developer" },
  { name: "Lynn Marsh", email: "lynn@example.test", role: "billing" },
] as const;
const owner = { name: "Brook Weir", email: "brook@example.test" };

/** Makes an org that has something to show: people of several roles, keys of several kinds, limits that are near. */
export async function fillOrg(world: SampleWorld): Promise<FilledOrg> {
  const { edge, operatorKey } = world;
  const operator = { authorization: `Bearer ${operatorKey}` };
  const hers = await signInPerson(edge, owner.email, owner.name);
  await sendAs(edge, operator, ["POST", "/control/operators", { email: owner.email }]);
  const make = async (path: string, body: unknown, headers: SignedInHeaders = hers) => {
    const { id, secret } = await sendAs(edge, headers, ["POST", path, body]);
    return { id: String(id), secret: String(secret) };
  };
  const { id: org } = await make("/control/orgs", { name: "Salt Water Research" });
  const base = `/control/orgs/${org}`;
  const limits = { tokensPerDay: 6_000, costMicrosPerMonth: 25_000, requestsPerDay: 400 };
  await sendAs(edge, hers, ["PATCH", base, { plan: "professional", limits }]);
  await make(`${base}/webhooks`, { url: world.hookUrl, description: "the chat of those on duty" });
  const [dale] = await invitePeople(world, hers, base);
  const tides = await make(`${base}/projects`, { name: "Tide tables", limits: { tokensPerDay: 4_000 } });
  const robot = await make(`${base}/service-accounts`, { name: "nightly report", project: tides.id });
  await make(`${base}/budgets`, { amountMicros: 1_000, sharesPercent: [50, 80, 100] });
  await make(`${base}/budgets`, { project: tides.id, amountMicros: 1_200, sharesPercent: [100], isStop: true });
  const keys = `${base}/keys`;
  const production = await make(keys, { name: "production", models: ["chat", "text2sql"], owner: robot.id });
  const notebook = await make(keys, { name: "notebook of the night shift", limits: { requestsPerHour: 60 } }, dale);
  const old = await make(keys, { name: "left behind" });
  await make(`${keys}/${old.id}/revoke`, {});
  const turned = await make(keys, { name: "billing export", owner: null });
  await make(`${keys}/${turned.id}/rotate`, { overlapSeconds: 86_400 });
  await make(keys, { name: "admin of the org", kind: "admin" });
  await callModels(edge, production.secret, notebook.secret);
  return { org, email: owner.email };
}

/** Two who have joined, each with what their browser sends; a third has not yet. */
async function invitePeople({ edge, readLink }: SampleWorld, hers: SignedInHeaders, base: string) {
  const joined: SignedInHeaders[] = [];
  for (const { name, email, role } of people) {
    await sendAs(edge, hers, ["POST", `${base}/invitations`, { email, role }]);
    const token = new URL(await readLink(email)).hash.slice(1);
    const headers = await signInPerson(edge, email, name);
    await sendAs(edge, headers, ["POST", "/control/invitations/accept", { token }]);
    joined.push(headers);
  }
  await sendAs(edge, hers, ["POST", `${base}/invitations`, { email: "river@example.test", role: "viewer" }]);
  return joined;
}

async function callModels(edge: string, production: string, notebook: string): Promise<void> {
  for (let round = 0; round < 12; round++) {
    const key = { authorization: `Bearer ${round % 3 === 0 ? notebook : production}` };
    const messages = [{ role: "user", content: prompts[round % prompts.length] }];
    const model = round % 4 === 0 ? "text2sql" : "chat";
    await sendAs(edge, key, ["POST", "/v1/chat/completions", { model, messages, max_tokens: 60 + 20 * round }]);
    if (round % 2 === 0)
      await sendAs(edge, { authorization: `Bearer ${notebook}` }, [
        "POST",
        "/v1/embeddings",
        { model: "embed", input: prompts },
      ]);
  }
  await sleep(2_500);
}

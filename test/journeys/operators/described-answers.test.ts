import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { routes } from "#edge/doors/routes.ts";
import { makeWav } from "#test/support/media/sound.ts";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";
import { openAiAskings, openAiIds } from "#test/support/stack/openai-askings.ts";
import { eventsOf, worldAt, type Org } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const messages = [{ role: "user", content: "Tell me a story" }];

interface Described {
  operationId: string;
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: { contentSchema?: object } }> }>;
}
interface Written {
  paths: Record<string, Record<string, Described>>;
  components: { responses: Record<string, Described["responses"][string]> };
}

const price = { model: "chat", tier: "shared", promptMicrosPerMTok: 2, completionMicrosPerMTok: 3 };
const sound = new File([makeWav({ seconds: 12 })], "a.wav");
const ajv = new Ajv2020({ strict: false, validateFormats: false });
let written: Written;
let org: Org;
let ids: Record<
  | "org"
  | "key"
  | "response"
  | "user"
  | "session"
  | "budget"
  | "call"
  | "month"
  | "webhook"
  | "delivery"
  | "project"
  | "invitation"
  | "serviceAccount",
  string
>;
const browser = openBrowser(world.place.edge);

beforeAll(async () => {
  written = await (await fetch(`${world.place.edge}/openapi.json`)).json();
  ajv.addSchema(written, "openapi.json");
  org = await world.newOrg();
  const { id: key } = await world.newKey(org.id, { limits: { requestsPerMinute: 5 } });
  await world.must("PUT", `/orgs/${org.id}/response-retention`, { hours: 1 });
  const answered = await world.post("/v1/responses", org.key, { model: "chat", input: "a", max_output_tokens: 3 });
  const [email, elsewhere] = [newEmail(), openBrowser(world.place.edge)];
  await browser.signIn(email);
  await elsewhere.signIn(email);
  const { session } = (await elsewhere.send("GET", "/auth/session")).body;
  const { id: user } = await world.must("POST", "/operators", { email: newEmail() });
  const call = answered.headers.get("x-request-id") ?? "";
  const { id: budget } = await world.must("POST", `/orgs/${org.id}/budgets`, { key, amountMicros: 1_000 });
  const month = new Date().toISOString().slice(0, 7);
  // Where nobody listens: what is said of a delivery does not depend on whether it arrives.
  const { id: webhook } = await world.must("POST", `/orgs/${org.id}/webhooks`, { url: "http://127.0.0.1:9/" });
  const { id: delivery } = await world.must("POST", `/orgs/${org.id}/webhooks/${webhook}/test`);
  const { id: project } = await world.must("POST", `/orgs/${org.id}/projects`, { name: "described" });
  const invited = { email: newEmail(), role: "viewer" };
  const { id: invitation } = await world.must("POST", `/orgs/${org.id}/invitations`, invited);
  const { id: serviceAccount } = await world.must("POST", `/orgs/${org.id}/service-accounts`, { name: "described" });
  const people = { project, invitation, serviceAccount };
  const response = (await answered.json()).id;
  ids = { org: org.id, key, response, user, session: session.id, budget, call, month, webhook, delivery, ...people };
  await world.settled(org.id);
});

interface Asking {
  body?: object;
  /** A form in place of a body of JSON. */
  form?: Record<string, string | Blob>;
  query?: string;
  /** The status of a right answer. */
  status?: number;
}

/** What each operation is asked, in this order; an operation that is missing here fails the first test. */
const askings: Record<string, Asking[]> = {
  createChatCompletion: [
    { body: { model: "chat", messages, max_tokens: 5, n: 2, logprobs: true, top_logprobs: 2 } },
    { body: { model: "chat", messages, max_tokens: 5, stream: true, stream_options: { include_usage: true } } },
  ],
  createCompletion: [
    { body: { model: "chat", prompt: ["a", "b"], logprobs: 1 } },
    { body: { model: "chat", prompt: "a", stream: true } },
  ],
  createEmbedding: [{ body: { model: "embed", input: ["a", "b"] } }],
  createText2Sql: [{ body: { messages, max_tokens: 5 } }],
  createMessage: [
    { body: { model: "chat", messages, max_tokens: 5 } },
    { body: { model: "chat", messages, max_tokens: 5, stream: true } },
  ],
  createResponse: [
    { body: { model: "chat", input: "a", max_output_tokens: 5 } },
    { body: { model: "chat", input: "a", max_output_tokens: 5, stream: true } },
  ],
  showResponse: [{}, { query: "?stream=true", status: 400 }],
  listResponseItems: [{ query: "?limit=1" }],
  cancelResponse: [{ body: {}, status: 400 }],
  // It is there once.
  deleteResponse: [{}, { status: 404 }],
  ollamaChat: [
    { body: { model: "chat", messages, stream: false, logprobs: true, options: { num_predict: 5 } } },
    { body: { model: "chat", messages, options: { num_predict: 5 } } },
    { body: { model: "chat" } },
  ],
  ollamaGenerate: [
    { body: { model: "chat", prompt: "a", stream: false, options: { num_predict: 5 } } },
    { body: { model: "chat", prompt: "a", options: { num_predict: 5 } } },
  ],
  ollamaEmbed: [{ body: { model: "embed", input: ["a", "b"] } }],
  ollamaEmbeddings: [{ body: { model: "embed", prompt: "a" } }],
  listOllamaTags: [{}],
  showOllamaModel: [{ body: { model: "chat" } }],
  listOllamaRunning: [{}],
  showOllamaVersion: [{}],
  createRerank: [{ body: { model: "rerank", query: "a well", documents: ["a well", { text: "a bird" }] } }],
  createRerankV2: [{ body: { model: "rerank", query: "a well", documents: ["a well"], top_n: 1 } }],
  createScore: [{ body: { model: "rerank", text_1: "a well", text_2: ["a well", "a bird"] } }],
  createTranscription: [
    { form: { model: "whisper", file: sound } },
    { form: { model: "whisper", file: sound, response_format: "verbose_json" } },
    { form: { model: "whisper", file: sound, response_format: "srt" } },
    { form: { model: "whisper", file: sound, response_format: "vtt" } },
    { form: { model: "whisper", file: sound, response_format: "text" } },
  ],
  createTranslation: [{ form: { model: "whisper", file: sound } }],
  createSpeech: [{ body: { model: "tts", input: "Say hello.", voice: "alloy" } }],
  createImage: [{ body: { model: "image", prompt: "A well", n: 2 } }],
  listModels: [{}],
  showModel: [{}],
  countMessageTokens: [{ body: { model: "chat", messages } }],
  countResponseTokens: [{ body: { model: "chat", input: "Say hello." } }],
  tokenize: [
    { body: { model: "chat", prompt: "Say hello.", return_token_strs: true } },
    { body: { model: "chat", messages } },
  ],
  detokenize: [{ body: { model: "chat", tokens: [72, 105] } }],
  showTokenizer: [{ query: "?model=chat" }],
  createClientToken: [{ body: {}, status: 201 }],
  reportLeaks: [{ body: [], status: 401 }],
  showWelcome: [{}],
  showOpenApi: [{}],
  showHealth: [{}],
  showLiveness: [{}],
  showReadiness: [{}],
  bootstrapOperator: [{ body: {}, status: 401 }],
  showSession: [{}],
  listServedModels: [{}],
  listNodes: [{}],
  listOperators: [{}],
  addOperator: [{ body: { email: "described@example.test" }, status: 201 }],
  removeOperator: [{ body: {} }],
  listSignInWays: [{}],
  sendSignInCode: [{ body: { email: "described@example.test" } }],
  signInWithCode: [{ body: { email: "other@example.test", code: "000000" }, status: 400 }],
  signInWithTotp: [{ body: { code: "000000" }, status: 400 }],
  signInWithBackupCode: [{ body: { code: "abcde-12345" }, status: 400 }],
  askForPasskey: [{ body: {} }],
  signInWithPasskey: [{ body: { credential: { id: "AAAA", type: "public-key" } }, status: 400 }],
  findCompanyLogin: [{ body: { email: "described@example.test" } }],
  signInWithOidc: [{ body: { provider: "nobody" }, status: 404 }],
  showMe: [{}],
  renameMe: [{ body: { name: "Ada" } }],
  listMySessions: [{}],
  endMySession: [{ body: {} }],
  endMyOtherSessions: [{ body: {} }],
  listMyPasskeys: [{}],
  offerPasskey: [{ body: {} }],
  addPasskey: [{ body: { name: "x", credential: { id: "AAAA", type: "public-key" } }, status: 400 }],
  removePasskey: [{ body: {}, status: 404 }],
  addSecondFactor: [{ body: {} }],
  confirmSecondFactor: [{ body: { code: "000000" }, status: 400 }],
  renewBackupCodes: [{ body: {}, status: 409 }],
  removeSecondFactor: [{ body: {}, status: 409 }],
  // Of nobody: who asks is asked for more above.
  signOut: [],
  createOrg: [{ body: { name: "described" }, status: 201 }],
  listOrgs: [{ query: "?limit=2" }],
  showOrg: [{}],
  changeOrg: [{ body: { name: "described" } }],
  retainResponses: [{ body: { hours: null } }],
  // All that follows is asked of the org in its own object.
  moveOrg: [{ body: { placement: "own" } }, { body: { placement: "own" } }],
  createKey: [
    { body: { name: "x", models: ["chat"], ipCidrs: ["::1"], limits: { concurrency: 1 } }, status: 201 },
    { body: { name: "x", kind: "admin", expiresAt: "2100-01-01T00:00:00Z" }, status: 201 },
  ],
  listKeys: [{}],
  showKey: [{}],
  changeKey: [{ body: { endpoints: ["models"], limits: { tokensPerDay: null } } }],
  rotateKey: [{ body: { overlapSeconds: 60 }, status: 201 }],
  revokeKey: [{ body: {} }],
  showLedger: [{}],
  listUsage: [{ query: "?limit=1" }],
  summarizeUsage: [{ query: "?by=day" }, { query: "?by=model" }],
  listAudit: [{ query: "?limit=2" }],
  exportAudit: [{}],
  showUsageSeries: [{ query: "?by=hour&group=model" }, { query: "?by=day" }],
  exportUsage: [{}, { query: "?format=jsonl" }],
  showUsageCall: [{}],
  createBudget: [{ body: { amountMicros: 1_000_000, isStop: true }, status: 201 }],
  listMembers: [{}],
  // Somebody who is no member; and what people alone may do, by a key.
  changeMember: [{ body: { role: "viewer" }, status: 404 }],
  removeMember: [{ body: {}, status: 404 }],
  leaveOrg: [{ body: {}, status: 403 }],
  acceptInvitation: [{ body: { token: "FAKE-token" }, status: 403 }],
  createCompanyLogin: [
    { body: { name: "Company", issuer: "http://127.0.0.1:9", clientId: "a", secret: "FAKE-secret" }, status: 201 },
  ],
  showCompanyLogin: [{}],
  changeCompanyLogin: [{ body: { defaultRole: "viewer" } }],
  testCompanyLogin: [{ body: {} }],
  addLoginDomain: [{ body: { domain: "described.example.test" }, status: 201 }],
  proveLoginDomain: [{ body: { isApproved: true } }],
  removeLoginDomain: [{ body: {} }],
  deleteCompanyLogin: [{ body: {} }],
  listProjects: [{ query: "?limit=1" }],
  createProject: [{ body: { name: "described too" }, status: 201 }],
  showProject: [{}],
  changeProject: [{ body: { name: "described again" } }],
  listInvitations: [{ query: "?limit=1" }],
  createInvitation: [{ body: { email: "guest@example.test", role: "viewer" }, status: 201 }],
  // Its mail has just gone out, and a minute has to pass.
  resendInvitation: [{ body: {}, status: 429 }],
  revokeInvitation: [{ body: {} }],
  listServiceAccounts: [{}],
  createServiceAccount: [{ body: { name: "described too" }, status: 201 }],
  changeServiceAccount: [{ body: { name: "described again" } }],
  removeServiceAccount: [{ body: {} }],
  listBudgets: [{}],
  changeBudget: [{ body: { amountMicros: 2_000_000 } }],
  deleteBudget: [{}],
  showCosts: [{}, { query: "?group=project" }],
  showStatement: [{}, { query: "?format=csv" }, { query: "?format=html" }],
  listPrices: [{}],
  // Far ahead: other journeys reckon with what it costs today.
  setPrice: [{ body: { ...price, from: "2099-01-01T00:00:00Z", cachedMicrosPerMTok: 1 }, status: 201 }],
  createWebhook: [{ body: { url: "http://127.0.0.1:9/", types: ["key.leaked"] }, status: 201 }],
  listWebhooks: [{ query: "?limit=1" }],
  showWebhook: [{}],
  changeWebhook: [{ body: { description: "described" } }],
  rotateWebhook: [{ body: { overlapSeconds: 60 } }],
  testWebhook: [{ body: {}, status: 202 }],
  listDeliveries: [{ query: "?limit=1" }],
  showDelivery: [{}],
  redeliver: [{ body: {}, status: 202 }],
  listEvents: [{ query: "?limit=2" }],
  deleteWebhook: [{ body: {} }, { body: {}, status: 404 }],
  ...openAiAskings,
  closeOrg: [{ body: {} }],
};

const operations = routes
  .filter(({ door, isUndocumented }) => door !== "nodes" && !isUndocumented)
  .flatMap((route) =>
    Object.entries(route.operations).map(([method, { operationId }]) => ({
      method,
      operationId,
      auth: route.auth,
      path: route.path.replace("...}", "}"),
    })),
  )
  .toSorted((a, b) => Object.keys(askings).indexOf(a.operationId) - Object.keys(askings).indexOf(b.operationId));
type Operation = (typeof operations)[number];

function ask(
  { method, auth, path }: Operation,
  { body, form, query = "" }: Asking,
  credential?: string,
): Promise<Response> {
  const known = auth === "apiKey" ? org.key : auth === "adminKey" ? world.place.adminKey : "";
  const key = credential ?? known;
  const id = path.startsWith("/v1/responses/") ? ids.response : "chat";
  const passkey = "pass_0123456789012345678901";
  const values = { ...ids, ...openAiIds, invite: ids.invitation, id, passkey, domain: "described.example.test" };
  const named = path.replaceAll(/\{(\w+)\}/g, (step, name: string) => Reflect.get(values, name) ?? step);
  const url = named + query;
  return fetch(world.place.edge + url, {
    method,
    headers: {
      ...(path.startsWith("/v1/organization/") && { "openai-organization": org.id }),
      ...(path.startsWith("/auth/") && { origin: world.place.edge }),
      ...(auth === "session" && credential === undefined && { cookie: browser.cookie() }),
      ...(key !== "" && { authorization: `Bearer ${key}` }),
      ...(!form && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
    ...(form && { body: makeForm(form) }),
  });
}

function makeForm(fields: Record<string, string | Blob>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

/** What each event or line of a stream holds. */
async function readEvents(response: Response, type: string): Promise<string[]> {
  if (type === "application/x-ndjson") return (await response.text()).trimEnd().split("\n");
  return (await eventsOf(response)).filter((event) => event !== "[DONE]");
}

/** What the document finds wrong with an answer; `null` where that is nothing. */
async function findFault({ path, method }: Operation, response: Response): Promise<string | null> {
  const steps = ["paths", path, method.toLowerCase(), "responses", String(response.status)];
  const told = written.paths[path]?.[method.toLowerCase()]?.responses[response.status];
  if (!told) return `${response.status} is not described`;
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const under = told.$ref ? told.$ref.slice(2).split("/") : steps;
  const isStream = type === "text/event-stream" || type === "application/x-ndjson";
  const pointer = [...under, "content", type, "schema", ...(isStream ? ["contentSchema"] : [])];
  const $ref = `openapi.json#/${pointer.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
  const check = ajv.compile({ $ref: encodeURI($ref).replaceAll("%23", "#") });
  const values: unknown[] = isStream
    ? (await readEvents(response, type)).map((event) => JSON.parse(event))
    : [type === "application/json" ? await response.json() : await response.text()];
  const wrong = values.find((value) => !check(value));
  return wrong === undefined ? null : `${JSON.stringify(check.errors)} in ${JSON.stringify(wrong)}`;
}

test("every operation of the route table is asked", () => {
  expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(askings).toSorted());
});

describe("what is answered is what the document says", () => {
  for (const operation of operations) {
    test(`${operation.operationId} is`, async () => {
      for (const asking of askings[operation.operationId] ?? []) {
        const response = await ask(operation, asking);
        expect(response.status).toBe(asking.status ?? 200);
        expect(await findFault(operation, response)).toBeNull();
      }
      if (operation.auth === "none") return;
      const refused = await ask(operation, askings[operation.operationId]?.[0] ?? {}, "x");
      expect([refused.status, await findFault(operation, refused)]).toEqual([401, null]);
    });
  }

  test("and an answer that is not would be found", async () => {
    const [operation] = operations.filter(({ operationId }) => operationId === "showOrg");
    if (!operation) throw new RangeError("no showOrg");
    expect(await findFault(operation, Response.json({ id: "x" }))).toContain("required");
  });
});

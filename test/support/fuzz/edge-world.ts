import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { generateBase62 } from "#edge/agreements/tokens/ids.ts";
import { openTickets } from "#edge/agreements/tokens/ticket.ts";
import { memoryFleet } from "#edge/adapters/memory/fleet.ts";
import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import { openBoundFactors } from "#edge/admission/index.ts";
import { openPrices } from "#edge/admission/prices.ts";
import { Refusal } from "#edge/errors.ts";
import { Heartbeats } from "#edge/fleet/heartbeats.ts";
import { openRetryBudget } from "#edge/forwarding/budget.ts";
import { openVerifiedKeys } from "#edge/identity/index.ts";
import { openTierClassifier } from "#edge/routing/index.ts";
import { generateRandomBytes, type Visit } from "#edge/visit.ts";
import { freshOrg, keyRecord, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { nodeOf } from "#test/support/fakes/fleet.ts";
import { keyringOf, tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { findKeysOf } from "#test/support/fakes/node-keys.ts";
import { buildRecord } from "#test/support/fakes/origin.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";
import type { FuzzDoor } from "./doors.ts";
import { openScriptedOrigin, type OriginCall } from "./scripted-origin.ts";

/** What became of one body. */
export interface Outcome {
  status: number;
  text: string;
  /** Whatever was thrown that is no refusal: a bug, wherever it stands. */
  unforeseen: unknown;
  /** What the agent would have refused of what the edge let through. */
  originFailures: unknown[];
  originCalls: OriginCall[];
  openHolds: number;
}

/** The whole edge in this process, without HTTP: memory for stores, and an origin that reads as an agent does. */
export interface EdgeWorld extends Disposable {
  send(door: FuzzDoor, body: string): Promise<Outcome>;
}

// Files that speak of the platform: the tests' own compiler settings do not know it.
const importEdge = async <Exports>(path: string): Promise<Exports> => (await import(path)) as Exports;
const { serveCounted } = await importEdge<{
  serveCounted(address: object, ports: unknown, visit: Visit): Promise<Response>;
}>("#edge/doors/calls.ts");
const { serveTokenizer } = await importEdge<{
  serveTokenizer(
    visit: Visit,
    task: string,
    ports: unknown,
  ): Promise<{ body: object; headers: Record<string, string> }>;
}>("#edge/count-pipeline.ts");
const { refuseCall, refuseVisit, asRefusal } = await importEdge<{
  refuseCall(visit: Visit, failure: unknown, endpoint: string): Promise<Response>;
  refuseVisit(visit: Visit, refusal: Refusal, path: string): Promise<Response>;
  asRefusal(failure: unknown): Refusal;
}>("#edge/doors/refuse.ts");

async function serve(door: FuzzDoor, visit: Visit, ports: object): Promise<Response> {
  const { serves } = door;
  if ("endpoint" in serves) return serveCounted({ ...serves, deployment: null }, ports, visit);
  const { body, headers } = await serveTokenizer(visit, serves.task, ports);
  return Response.json(body, { headers });
}

function refuse({ serves, path }: FuzzDoor, visit: Visit, failure: unknown): Promise<Response> {
  if ("endpoint" in serves) return refuseCall(visit, failure, serves.endpoint);
  return refuseVisit(visit, asRefusal(failure), path);
}

/** Opens an edge for one org without limits. It takes the place of `fetch` until it is closed. */
export async function openEdgeWorld(): Promise<EdgeWorld> {
  const org = freshOrg();
  const keyring = await keyringOf();
  const key = mintKey("inference", org, keyring, generateRandomBytes);
  const now = () => startedAtMs;
  const ledger = memoryLedger({ now });
  await ledger.publish(orgRecord(org, {}));
  await ledger.publish(keyRecord(org, 1, { id: key.id, digest: key.digest }));
  const node = nodeOf("a", { models: testModels.map(({ id }) => id) });
  const fleet = memoryFleet(new Heartbeats(), [node]);
  const nodeKeys = findKeysOf(node.id);
  const tickets = openTickets(keyring);
  const ports = {
    ips: null,
    keys: openVerifiedKeys(keyring),
    tokenKey: await tokenKeyOf(),
    ipHeader: null,
    models: testModels,
    currency: "USD",
    nodes: [node],
    nodeKeys,
    ledger,
    fleet,
    classifier: openTierClassifier(testModels, [node]),
    boundFactors: openBoundFactors(),
    prices: openPrices(async () => []),
    origin: { nodeKeys, tickets, budget: openRetryBudget(), observer: fleet },
    tickets,
    holdGraceMs: 30_000,
  };
  const script = openScriptedOrigin(node.id);
  const closeFetch = takePlaces(script.fetch);
  return {
    async send(door, body) {
      const headers = { authorization: `Bearer ${key.text}`, "content-type": "application/json" };
      const request = new Request(`http://edge${door.path}`, { method: "POST", body, headers });
      const work: Promise<unknown>[] = [];
      const visit = visitOf(request, `req_${generateBase62(22, generateRandomBytes)}`);
      visit.afterwards = (one) => void work.push(one);
      let unforeseen: unknown = null;
      const response = await serve(door, visit, ports).catch((failure: unknown) => {
        if (!(failure instanceof Refusal) || failure.code === "internal") unforeseen = failure;
        return refuse(door, visit, failure);
      });
      const text = await response.text();
      await Promise.all(work);
      const originCalls = script.calls.splice(0);
      const isCall = "endpoint" in door.serves && response.status === 200;
      const records = originCalls.map(({ claims: { hold, ticket = "" } }) => buildRecord({ hold, org, ticket }));
      if (isCall) await ledger.settle(org, records);
      const openHolds = (await ledger.inspect(org))?.openHolds.length ?? -1;
      return {
        status: response.status,
        text,
        unforeseen,
        originFailures: script.failures.splice(0),
        originCalls,
        openHolds,
      };
    },
    [Symbol.dispose]: closeFetch,
  };
}

/** Puts an origin where the network is, and Node's own streams where those of the platform are. */
function takePlaces(
  origin: (url: string, init: { headers: Record<string, string>; body: Uint8Array }) => Promise<Response>,
) {
  const places: Record<string, unknown> = { fetch: origin, IdentityTransformStream: TransformStream };
  const before = Object.keys(places).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const [name, value] of Object.entries(places))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { OracleReport } from "#infra/simulator/text/oracle.ts";

/** What a running stack is reached by; plain data, so that one stack can serve many test files. */
export interface Place {
  edge: string;
  adminKey: string;
  nodes: { id: string; tier: string; url: string; engineUrl: string; agentPid: number }[];
  stateDir: string;
}

export interface Org {
  id: string;
  key: string;
}

export interface UsageRowView {
  id: string;
  end: string;
  promptTokens: number;
  completionTokens: number;
  costMicros: number;
  model: string;
  responseId: string | null;
  [member: string]: unknown;
}

/** A lease lasts a second; one whose isolate was killed stays for longer than anybody waits here. */
const leaseEndMsMax = 4_000;

/**
 * Hands to work a stack with: orgs and keys through the control API, calls through the front door, faults and truth
 * from the simulators.
 */
export function worldAt(place: Place) {
  const control = async (method: string, path: string, body?: unknown, key = place.adminKey) => {
    const response = await fetch(`${place.edge}/control${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // oxlint-disable-next-line typescript/no-explicit-any -- an answer whose shape is what the journey asserts
    return { status: response.status, body: (await response.json()) as any };
  };
  /** Repeats what is refused with 503, as the API says: on a busy machine a Redis may not answer within its 250 ms. */
  const must = async (
    method: string,
    path: string,
    body?: unknown,
    tries = 5,
  ): Promise<Awaited<ReturnType<typeof control>>["body"]> => {
    const answer = await control(method, path, body);
    if (answer.status === 503 && tries > 1) {
      await sleep(200);
      return must(method, path, body, tries - 1);
    }
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const newKey = async (org: string, fields: Record<string, unknown> = {}): Promise<{ id: string; secret: string }> =>
    must("POST", `/orgs/${org}/keys`, { name: "test", ...fields });
  /** An org with room for everything, save what `limits` says. */
  const newOrg = async (limits: Partial<Limits> = {}): Promise<Org> => {
    const { id } = await must("POST", "/orgs", { name: "test" });
    await must("PATCH", `/orgs/${id}`, {
      plan: "enterprise",
      limits: { requestsPerMinute: null, requestsPerHour: null, concurrency: null, ...limits },
    });
    return { id, key: (await newKey(id)).secret };
  };
  const post = (path: string, key: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(place.edge + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  const ledger = (org: string) => must("GET", `/orgs/${org}/ledger`);
  const usage = async (org: string): Promise<UsageRowView[]> =>
    (await must("GET", `/orgs/${org}/usage?limit=500`)).rows;
  return {
    place,
    control,
    must,
    newKey,
    newOrg,
    post,
    ledger,
    usage,
    chat: (
      key: string,
      fields: Record<string, unknown> = {},
      headers: Record<string, string> = {},
      signal?: AbortSignal,
    ) =>
      post(
        "/v1/chat/completions",
        key,
        { model: "chat", messages: [{ role: "user", content: "Tell me a story" }], ...fields },
        headers,
        signal,
      ),
    /** Waits until nothing is held and the whole bill is in D1. */
    async settled(org: string, msMax = 15_000): Promise<UsageRowView[]> {
      const startMs = Date.now();
      for (; Date.now() < startMs + msMax; await sleep(50)) {
        const state = await ledger(org);
        // Of a call under a lease the ledger hears when it ends: till then the lease has something left.
        const isLeased = state.leases.length > 0 && Date.now() < startMs + leaseEndMsMax;
        if (state.openHolds.length === 0 && state.outboxRows === 0 && !isLeased) return usage(org);
      }
      throw new Error(`not settled after ${msMax} ms: ${JSON.stringify(await ledger(org))}`);
    },
    /** What every simulator says it made for a hold, summed over the nodes. */
    async made(hold: string) {
      const reports = await Promise.all(
        place.nodes.map(
          async ({ engineUrl }) =>
            (await (await fetch(`${engineUrl}/sim/oracle?request=${hold}`)).json()) as OracleReport,
        ),
      );
      return reports.flatMap((report) => report.records);
    },
    /** Arms a fault on every simulator, or on one. */
    async fault(fault: Record<string, unknown>, node?: number) {
      const nodes = node === undefined ? place.nodes : place.nodes.slice(node, node + 1);
      for (const { engineUrl } of nodes) {
        const response = await fetch(`${engineUrl}/sim/faults`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(fault),
        });
        if (!response.ok) throw new Error(`fault refused: ${await response.text()}`);
      }
    },
    async clearFaults() {
      for (const { engineUrl } of place.nodes) await fetch(`${engineUrl}/sim/faults`, { method: "DELETE" });
    },
  };
}
export type World = ReturnType<typeof worldAt>;

/** The `data:` payloads of a stream as they stood on the wire, comments left out. */
export async function eventsOf(response: Response): Promise<string[]> {
  return (await response.text())
    .split("\n\n")
    .filter((block) => /^(event: .*\n)?data: /.test(block))
    .map((block) => block.slice(block.indexOf("data: ") + 6));
}

interface WindowRow {
  window: string;
  of: string;
  limit: number | null;
  remaining: number | null;
  held: number;
  settled: number;
}

/** One window as the ledger sees it; fails when the ledger shows no such window. */
export function windowOf(state: { windows: WindowRow[] }, window: string, of = "org"): WindowRow {
  const found = state.windows.find((row) => row.window === window && row.of === of);
  if (!found) throw new Error(`the ledger shows no ${window} of ${of}`);
  return found;
}

import type { LedgerState } from "#edge/ledger/port.ts";
import { retryFor } from "../retry.ts";
import type { OrgPlan } from "../plan/plan.ts";

/** An org of the storm, made through the control API like any other. */
export interface StormOrg {
  id: string;
  key: string;
  narrowKey: string | null;
}

/** What a line of the bill says of a call's tokens. */
export interface BilledHold {
  hold: string;
  end: string;
  promptTokens: number;
  completionTokens: number;
}

/** The ledger as the control API shows it. */
export type LedgerView = Pick<LedgerState, "outboxRows"> & {
  windows: {
    window: string;
    of: string;
    limit: number | null;
    remaining: number | null;
    held: number;
    settled: number;
  }[];
  openHolds: { hold: string; expiresAt: string }[];
  leases: { lease: string; calls: number }[];
};

/** Cold or loaded, Redis may take longer than its 250 ms; a retry helps. */
const awayMsMax = 90_000;

/** The control API of an edge. */
export class Control {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** Makes the first operator key; returns its text. */
  async bootstrap(): Promise<string> {
    const { key } = await this.#sendUntil<{ key: { secret: string } }>("POST", "/bootstrap", {});
    return key.secret;
  }

  async makeOrg(plan: OrgPlan): Promise<StormOrg> {
    const { id } = await this.#sendUntil<{ id: string }>("POST", "/orgs", {
      name: `storm ${plan.kind}`,
      ...(plan.plan !== "enterprise" && { plan: plan.plan }),
    });
    const free = { requestsPerMinute: null, requestsPerHour: null, concurrency: null };
    if (plan.plan === "enterprise")
      await this.#sendUntil("PATCH", `/orgs/${id}`, { plan: "enterprise", limits: { ...free, ...plan.limits } });
    const { secret: key } = await this.#sendUntil<{ secret: string }>("POST", `/orgs/${id}/keys`, { name: "storm" });
    if (plan.narrowKey === null) return { id, key, narrowKey: null };
    const narrow = await this.#sendUntil<{ secret: string }>("POST", `/orgs/${id}/keys`, {
      name: "narrow",
      limits: { requestsPerMinute: plan.narrowKey },
    });
    return { id, key, narrowKey: narrow.secret };
  }

  /** Throws when it cannot be had within `msMax`. */
  ledger(org: string, msMax = awayMsMax): Promise<LedgerView> {
    return this.#sendUntil<LedgerView>("GET", `/orgs/${org}/ledger`, undefined, msMax);
  }

  /** The latest lines of an org's bill, 500 at most. */
  async usage(org: string): Promise<BilledHold[]> {
    return (await this.#sendUntil<{ rows: BilledHold[] }>("GET", `/orgs/${org}/usage?limit=500`)).rows;
  }

  #sendUntil<T>(method: string, path: string, body?: unknown, msMax = awayMsMax): Promise<T> {
    return retryFor(msMax, () => this.#send<T>(method, path, body));
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.#url}/control${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return JSON.parse(await answer.text());
  }
}

import type { HoldRequest, Denial, LimitOwner, Rates } from "#edge/ledger/port.ts";
import type { HoldId, KeyId, ProjectId } from "#edge/agreements/tokens/ids.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import type { ProjectRecord } from "#edge/agreements/records/project.ts";
import type { WindowName } from "#edge/agreements/records/windows.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { computeCost, countTokens, countUse, sum, type Call, type Counts, type Use } from "./ledger-model-calls.ts";

type LimitCheck = { of: LimitOwner; window: WindowName; limit: number };

const order: WindowName[] = [
  "requestsPerMinute",
  "requestsPerHour",
  "concurrency",
  "tokensPerMinute",
  "requestsPerDay",
  "tokensPerDay",
  "tokensPerMonth",
  "costMicrosPerMonth",
];
const tokenWindows = ["tokensPerMinute", "tokensPerDay", "tokensPerMonth"];
const requestWindows = ["requestsPerMinute", "requestsPerHour", "requestsPerDay"];

/**
 * What a ledger has to answer, worked out the long way: a list of calls, and every question put to the whole list.
 * Shares no code with the ledgers. Windows slide by sub-buckets as the documents promise; `spanMax` counts true
 * spans.
 */
export class LedgerModel {
  readonly calls: Call[] = [];
  readonly org: { record: OrgRecord };
  readonly keys = new Map<KeyId, KeyRecord>();
  readonly projects = new Map<ProjectId, ProjectRecord>();
  nowMs: number;
  #seenMs = 0;

  constructor(org: OrgRecord, nowMs: number) {
    this.org = { record: org };
    this.nowMs = nowMs;
  }

  get atMs(): number {
    return Math.max(this.nowMs, this.#seenMs);
  }

  expire(): void {
    for (const call of this.#open()) {
      if (call.expiresAtMs > this.atMs) continue;
      call.end = "expired";
      call.charged = call.checkpoint ?? { prompt: 0, completion: 0 };
      this.#seenMs = this.atMs;
    }
  }

  admit(request: HoldRequest): Record<string, unknown> {
    this.expire();
    const key = this.keys.get(request.key);
    if (!key || key.isRevoked) return { kind: "denial", reason: "key" };
    if (this.#project(key)?.isArchived) return { kind: "denial", reason: "project" };
    const repeat = this.#repeat(request);
    if (repeat) return { kind: "denial", ...repeat };
    const checks = this.#lanes(key);
    const call: Call = {
      request,
      completionTokens: request.completionTokens,
      atMs: this.atMs,
      expiresAtMs: this.atMs + request.ttlMs,
      isKeyBooked: Object.values(key.limits ?? {}).some((limit) => limit !== null),
      owner: this.#owner(request.key),
      project: key.project,
      checkpoint: null,
      end: null,
      charged: { prompt: 0, completion: 0 },
      late: null,
    };
    if (request.mayClamp) call.completionTokens = this.#clamped(checks, call);
    const closed = checks.filter((check) => !this.#passes(check, call));
    if (closed.length > 0) return this.#denial(closed, checks, call);
    this.calls.push(call);
    this.#seenMs = this.atMs;
    const tokensHeld = countTokens(call).held;
    return {
      kind: "grant",
      hold: request.hold,
      tokensHeld,
      completionTokens: call.completionTokens,
      expiresAtMs: call.expiresAtMs,
      rates: this.#rates(checks, request.key),
      ...(this.#isUrgent(checks, request) && { isUrgent: true }),
    };
  }

  /** The call, which is counted by now, has a key that may be repeated, or has left no slot. */
  #isUrgent(checks: LimitCheck[], { key, idempotency }: HoldRequest): boolean {
    const isFull = ({ of, limit }: LimitCheck) =>
      this.#use(this.#name(of, key), "concurrency", this.atMs).held >= limit;
    return idempotency !== null || checks.some((check) => check.window === "concurrency" && isFull(check));
  }

  settle(record: UsageRecord): string {
    this.expire();
    const call = this.calls.find(({ request: ask }) => ask.hold === record.hold);
    if (!call) return "unknown";
    const reported = {
      prompt: Math.min(record.promptTokens, call.request.promptTokens),
      completion: Math.min(record.completionTokens, call.request.choices * call.completionTokens),
    };
    const whole = call.request.promptTokens + call.request.choices * call.completionTokens;
    const over = Math.max(0, Math.min(record.promptTokens - call.request.promptTokens, whole));
    if (call.end === null) {
      const known = {
        prompt: Math.max(reported.prompt, call.checkpoint?.prompt ?? 0),
        completion: Math.max(reported.completion, call.checkpoint?.completion ?? 0),
      };
      if (!record.isFinal) {
        call.checkpoint = known;
        return "checkpointed";
      }
      this.#finish(call, "settled", known);
      if (over > 0) call.late = { prompt: over, completion: 0 };
      return over > 0 ? "over_hold" : "settled";
    }
    if (call.end !== "expired" || call.late || !(record.isFinal || record.outcome === "cancelled")) return "repeated";
    call.late = {
      prompt: Math.max(0, reported.prompt - call.charged.prompt) + over,
      completion: Math.max(0, reported.completion - call.charged.completion),
    };
    this.#seenMs = this.atMs;
    return over > 0 ? "over_hold" : "adjusted";
  }

  /** A call that may run all the same is not given back but has two seconds more, or what is left of its time. */
  release(hold: HoldId, mayRun: boolean): string {
    this.expire();
    const call = this.calls.find(({ request: ask }) => ask.hold === hold);
    if (!call) return "unknown";
    if (call.end !== null) return "repeated";
    if (mayRun) {
      call.expiresAtMs = Math.min(call.expiresAtMs, this.atMs + 2_000);
      return "checkpointed";
    }
    if (call.checkpoint && call.checkpoint.completion > 0) {
      this.#finish(call, "settled", call.checkpoint);
      return "settled";
    }
    this.#finish(call, "released", { prompt: 0, completion: 0 });
    return "released";
  }

  /** Every window as `inspect` shows it. */
  windows(): Record<string, unknown>[] {
    this.expire();
    const all: { of: string; window: WindowName; limit: number | null }[] = order.map((window) => ({
      of: "org",
      window,
      limit: this.org.record.limits[window],
    }));
    for (const { id, limits } of [...this.projects.values(), ...this.keys.values()]) {
      for (const window of order)
        if (typeof limits?.[window] === "number") all.push({ of: id, window, limit: limits[window] });
    }
    return all.map(({ of, window, limit }) => {
      const { held, settled } = this.#use(of, window, this.atMs);
      return { of, window, limit, remaining: limit === null ? null : limit - held - settled, held, settled };
    });
  }

  /** Each open hold with its deadline. */
  openHolds(): [HoldId, number][] {
    return this.#open().map(({ request: ask, expiresAtMs }) => [ask.hold, expiresAtMs]);
  }

  /**
   * Calls admitted in any true span of this length that ends at an admission: the most there ever were. Both ends
   * count.
   */
  spanMax(spanMs: number): number {
    return Math.max(
      0,
      ...this.calls.map(
        ({ atMs }) => this.calls.filter((call) => call.atMs >= atMs - spanMs && call.atMs <= atMs).length,
      ),
    );
  }

  /** The bill, `[id, prompt, completion, cost]` a row. */
  bill(): [string, number, number, number][] {
    const rows: [string, number, number, number][] = [];
    for (const call of this.calls) {
      if (call.end === null || call.end === "released") continue;
      const cost = computeCost(call.request, call.charged);
      rows.push([call.request.hold, call.charged.prompt, call.charged.completion, cost]);
      if (call.late)
        rows.push([
          `${call.request.hold}:late`,
          call.late.prompt,
          call.late.completion,
          computeCost(call.request, sum(call.charged, call.late)) - cost,
        ]);
    }
    return rows.toSorted((one, other) => (one[0] < other[0] ? -1 : 1));
  }

  #finish(call: Call, end: "settled" | "released", charged: Counts): void {
    call.end = end;
    call.charged = charged;
    this.#seenMs = this.atMs;
  }

  /** Keys of one chain of rotations are counted together. */
  #owner(key: KeyId): KeyId {
    return this.keys.get(key)?.lineage ?? key;
  }

  #project(key: KeyRecord): ProjectRecord | undefined {
    return key.project === undefined ? undefined : this.projects.get(key.project);
  }

  /** Whose windows a lane's are, for a call of this key. */
  #name(of: LimitOwner, key: KeyId): string {
    return of === "project" ? (this.keys.get(key)?.project ?? "none") : of === "org" ? of : key;
  }

  #open(): Call[] {
    return this.calls.filter(({ end }) => end === null);
  }

  #repeat(request: HoldRequest): object | null {
    const earlier = this.calls.findLast(
      (call) =>
        call.request.idempotency &&
        call.request.idempotency.key === request.idempotency?.key &&
        call.end !== "released",
    );
    if (!earlier || earlier.atMs + 86_400_000 <= this.atMs) return null;
    if (earlier.request.idempotency?.body !== request.idempotency?.body) return { reason: "idempotency_mismatch" };
    if (earlier.end === null) return { reason: "idempotency_in_progress", retryAfterMs: 1_000 };
    const { prompt, completion } = earlier.charged;
    return {
      reason: "idempotency_replayed",
      first: { hold: earlier.request.hold, responseId: null, promptTokens: prompt, completionTokens: completion },
    };
  }

  #lanes(key: KeyRecord): LimitCheck[] {
    const checks: LimitCheck[] = [];
    const lanes = { key: key.limits, project: this.#project(key)?.limits, org: this.org.record.limits };
    for (const of of ["key", "project", "org"] as const) {
      for (const window of order) {
        const limit = lanes[of]?.[window];
        if (typeof limit === "number") checks.push({ of, window, limit });
      }
    }
    return checks;
  }

  #use(of: string, window: WindowName, atMs: number): Use {
    const mine = this.calls.filter(
      (call) => of === "org" || of === call.project || (call.owner === this.#owner(of) && call.isKeyBooked),
    );
    return countUse(mine, window, atMs);
  }

  #left({ of, window, limit }: LimitCheck, key: KeyId, atMs = this.atMs): number {
    const { held, settled } = this.#use(this.#name(of, key), window, atMs);
    return limit - held - settled;
  }

  #need({ window }: LimitCheck, call: Call): number {
    if (tokenWindows.includes(window)) return countTokens(call).held;
    if (window !== "costMicrosPerMonth") return 1;
    return computeCost(call.request, {
      prompt: call.request.promptTokens,
      completion: call.request.choices * call.completionTokens,
    });
  }

  #passes(check: LimitCheck, call: Call, atMs = this.atMs): boolean {
    return this.#need(check, call) <= Math.max(0, this.#left(check, call.request.key, atMs));
  }

  #clamped(checks: LimitCheck[], call: Call): number {
    const narrow = checks.filter(({ window }) => tokenWindows.includes(window) || window === "costMicrosPerMonth");
    for (let tokens = call.completionTokens; tokens >= 1; tokens--) {
      if (narrow.every((check) => this.#passes(check, { ...call, completionTokens: tokens }))) return tokens;
    }
    return call.completionTokens;
  }

  #denial(closed: LimitCheck[], checks: LimitCheck[], call: Call): Record<string, unknown> {
    const never = closed.find((check) => this.#need(check, call) > check.limit);
    const wait = (check: LimitCheck, opensAtMs: number) => {
      const sureMs = Math.max(1, opensAtMs - this.nowMs);
      return { check, opensAtMs, waitMs: this.#isHeldUp(check, call) ? Math.min(1_000, sureMs) : sureMs };
    };
    const waits = closed.map((check) => wait(check, this.#opensAtMs(check, call)));
    const longest = Math.max(...waits.map(({ waitMs }) => waitMs));
    const { check, opensAtMs, waitMs } = never
      ? wait(never, this.#wholeWindow(never, call))
      : waits.find((one) => one.waitMs === longest)!;
    const { window, of, limit } = check;
    const { held, settled } = this.#use(this.#name(of, call.request.key), window, this.atMs);
    const isCounted = tokenWindows.includes(window) || window === "costMicrosPerMonth";
    const reason = window === "concurrency" ? "concurrency" : /Minute|Hour/.test(window) ? "rate" : "quota";
    return {
      kind: "denial",
      reason,
      window,
      of,
      limit,
      retryAfterMs: waitMs,
      resetAtMs: opensAtMs,
      tokensRemaining: isCounted ? this.#tokensRemaining(checks, call) : null,
      demand: { need: this.#need(check, call), held, settled },
      rates: this.#rates(checks, call.request.key),
    } satisfies Record<keyof Extract<Denial, { window: WindowName }>, unknown>;
  }

  /** Would pass if every call under way ended now and had used nothing; of a day's requests none comes back. */
  #isHeldUp({ of, window, limit }: LimitCheck, call: Call): boolean {
    if (window === "concurrency") return true;
    if (!["tokensPerDay", "tokensPerMonth", "costMicrosPerMonth"].includes(window)) return false;
    const { settled } = this.#use(this.#name(of, call.request.key), window, this.atMs);
    return settled + this.#need({ of, window, limit }, call) <= limit;
  }

  /** Tries every moment at which something changes. */
  #opensAtMs(check: LimitCheck, call: Call): number {
    return (
      this.#moments(check).find((ms) =>
        check.window === "concurrency" ? this.#openAt(check, call, ms) < check.limit : this.#passes(check, call, ms),
      ) ?? Number.NaN
    );
  }

  #openAt({ of }: LimitCheck, call: Call, ms: number): number {
    const counts = (open: Call) =>
      of === "org" || (of === "key" ? open.owner === call.owner && open.isKeyBooked : open.project === call.project);
    return this.#open().filter((open) => counts(open) && open.expiresAtMs > ms).length;
  }

  #moments({ window }: LimitCheck): number[] {
    if (window === "concurrency")
      return this.calls
        .map(({ expiresAtMs }) => expiresAtMs)
        .filter((ms) => ms > this.atMs)
        .toSorted((one, other) => one - other);
    const widthMs = window === "requestsPerHour" ? 60_000 : window.endsWith("PerMinute") ? 1_000 : null;
    if (widthMs === null) return [this.#calendarEnd(window)];
    return this.calls
      .map((call) => (Math.floor(call.atMs / widthMs) + 61) * widthMs)
      .filter((ms) => ms > this.atMs)
      .toSorted((one, other) => one - other);
  }

  #calendarEnd(window: WindowName): number {
    const date = new Date(this.atMs);
    return window.endsWith("Day")
      ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1)
      : Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  }

  #wholeWindow({ window }: LimitCheck, call: Call): number {
    if (window === "concurrency") return call.expiresAtMs;
    if (window === "requestsPerHour") return (Math.floor(this.atMs / 60_000) + 61) * 60_000;
    return window.endsWith("PerMinute") ? (Math.floor(this.atMs / 1_000) + 61) * 1_000 : this.#calendarEnd(window);
  }

  #tokensRemaining(checks: LimitCheck[], call: Call): number {
    let least = Infinity;
    for (const check of checks) {
      const left = Math.max(0, this.#left(check, call.request.key));
      if (tokenWindows.includes(check.window)) least = Math.min(least, left);
      if (check.window !== "costMicrosPerMonth" || this.#need(check, call) <= left) continue;
      let prompt = call.request.promptTokens;
      while (prompt > 0 && computeCost(call.request, { prompt, completion: 0 }) > left) prompt--;
      let completion = prompt < call.request.promptTokens ? 0 : call.request.choices * call.request.completionTokens;
      while (completion > 0 && computeCost(call.request, { prompt, completion }) > left) completion--;
      least = Math.min(least, prompt + completion);
    }
    return least;
  }

  #rates(checks: LimitCheck[], key: KeyId): Rates {
    const report = (windows: string[]) => {
      const mine = checks
        .filter(({ window }) => windows.includes(window))
        .map((check) => ({ lane: check, remaining: Math.max(0, this.#left(check, key)) }));
      const least = Math.min(...mine.map(({ remaining }) => remaining));
      const found = mine.find(({ remaining }) => remaining === least);
      if (!found) return null;
      const { lane: check, remaining } = found;
      const isFull = (ms: number) => this.#left(check, key, ms) === check.limit;
      const fullMs = isFull(this.atMs) ? this.nowMs : this.#moments(check).find(isFull)!;
      return { limit: check.limit, remaining, resetMs: fullMs - this.nowMs };
    };
    return { requests: report(requestWindows), tokens: report(tokenWindows) };
  }
}

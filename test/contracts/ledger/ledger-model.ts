import type { Ask, Denial, Rates } from "#edge/ledger/port.ts";
import type { HoldId, KeyId } from "#edge/agreements/tokens/ids.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import type { WindowName } from "#edge/agreements/records/quota.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";

/**
 * What a ledger has to answer, worked out the long way: a list of calls, and every question put to the whole list.
 * Shares no code with the ledgers. Windows slide by sub-buckets as the documents promise; `spanCount` counts true
 * spans.
 */
interface Call {
  ask: Ask;
  completionTokens: number;
  atMs: number;
  expiresAtMs: number;
  isKeyBooked: boolean;
  noted: Counts | null;
  end: "settled" | "released" | "expired" | null;
  charged: Counts;
  late: Counts | null;
}

interface Counts {
  prompt: number;
  completion: number;
}

type Lane = { of: "org" | "key"; window: WindowName; limit: number };

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

export class LedgerModel {
  readonly calls: Call[] = [];
  readonly org: { record: OrgRecord };
  readonly keys = new Map<KeyId, KeyRecord>();
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
      call.charged = call.noted ?? { prompt: 0, completion: 0 };
      this.#seenMs = this.atMs;
    }
  }

  admit(ask: Ask): Record<string, unknown> {
    this.expire();
    const key = this.keys.get(ask.key);
    if (!key || key.isRevoked) return { kind: "denial", reason: "key" };
    const repeat = this.#repeat(ask);
    if (repeat) return { kind: "denial", ...repeat };
    const lanes = this.#lanes(key);
    const call: Call = {
      ask,
      completionTokens: ask.completionTokens,
      atMs: this.atMs,
      expiresAtMs: this.atMs + ask.ttlMs,
      isKeyBooked: Object.values(key.limits ?? {}).some((limit) => limit !== null),
      noted: null,
      end: null,
      charged: { prompt: 0, completion: 0 },
      late: null,
    };
    if (ask.mayClamp) call.completionTokens = this.#clamped(lanes, call);
    const closed = lanes.filter((lane) => !this.#passes(lane, call));
    if (closed.length > 0) return this.#denial(closed, lanes, call);
    this.calls.push(call);
    this.#seenMs = this.atMs;
    const tokensHeld = tokensOf(call).held;
    return {
      kind: "grant",
      hold: ask.hold,
      tokensHeld,
      completionTokens: call.completionTokens,
      expiresAtMs: call.expiresAtMs,
      rates: this.#rates(lanes, ask.key),
    };
  }

  settle(record: UsageRecord): string {
    this.expire();
    const call = this.calls.find(({ ask }) => ask.hold === record.hold);
    if (!call) return "unknown";
    const told = {
      prompt: Math.min(record.promptTokens, call.ask.promptTokens),
      completion: Math.min(record.completionTokens, call.ask.choices * call.completionTokens),
    };
    if (call.end === null) {
      const known = {
        prompt: Math.max(told.prompt, call.noted?.prompt ?? 0),
        completion: Math.max(told.completion, call.noted?.completion ?? 0),
      };
      if (!record.isFinal) {
        call.noted = known;
        return "checkpointed";
      }
      this.#finish(call, "settled", known);
      return "settled";
    }
    if (call.end !== "expired" || call.late || !record.isFinal) return "repeated";
    call.late = {
      prompt: Math.max(0, told.prompt - call.charged.prompt),
      completion: Math.max(0, told.completion - call.charged.completion),
    };
    this.#seenMs = this.atMs;
    return "adjusted";
  }

  /** A call that may run all the same is not given back but has two seconds more, or what is left of its time. */
  release(hold: HoldId, mayRun: boolean): string {
    this.expire();
    const call = this.calls.find(({ ask }) => ask.hold === hold);
    if (!call) return "unknown";
    if (call.end !== null) return "repeated";
    if (mayRun) {
      call.expiresAtMs = Math.min(call.expiresAtMs, this.atMs + 2_000);
      return "checkpointed";
    }
    if (call.noted && call.noted.completion > 0) {
      this.#finish(call, "settled", call.noted);
      return "settled";
    }
    this.#finish(call, "released", { prompt: 0, completion: 0 });
    return "released";
  }

  /** Every window as `inspect` shows it. */
  windows(): Record<string, unknown>[] {
    this.expire();
    const all: { of: "org" | KeyId; window: WindowName; limit: number | null }[] = order.map((window) => ({
      of: "org",
      window,
      limit: this.org.record.limits[window],
    }));
    for (const key of this.keys.values()) {
      for (const window of order)
        if (typeof key.limits?.[window] === "number") all.push({ of: key.id, window, limit: key.limits[window] });
    }
    return all.map(({ of, window, limit }) => {
      const { held, settled } = this.#use(of, window, this.atMs);
      return { of, window, limit, remaining: limit === null ? null : limit - held - settled, held, settled };
    });
  }

  /** Each open hold with its deadline. */
  openHolds(): [HoldId, number][] {
    return this.#open().map(({ ask, expiresAtMs }) => [ask.hold, expiresAtMs]);
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
      const cost = costOf(call.ask, call.charged);
      rows.push([call.ask.hold, call.charged.prompt, call.charged.completion, cost]);
      if (call.late)
        rows.push([
          `${call.ask.hold}:late`,
          call.late.prompt,
          call.late.completion,
          costOf(call.ask, sum(call.charged, call.late)) - cost,
        ]);
    }
    return rows.toSorted((one, other) => (one[0] < other[0] ? -1 : 1));
  }

  #finish(call: Call, end: "settled" | "released", charged: Counts): void {
    call.end = end;
    call.charged = charged;
    this.#seenMs = this.atMs;
  }

  #open(): Call[] {
    return this.calls.filter(({ end }) => end === null);
  }

  #repeat(ask: Ask): object | null {
    const earlier = this.calls.findLast(
      (call) => call.ask.idempotency && call.ask.idempotency.key === ask.idempotency?.key && call.end !== "released",
    );
    if (!earlier || earlier.atMs + 86_400_000 <= this.atMs) return null;
    if (earlier.ask.idempotency?.body !== ask.idempotency?.body) return { reason: "idempotency_mismatch" };
    if (earlier.end === null) return { reason: "idempotency_in_progress", retryAfterMs: 1_000 };
    const { prompt, completion } = earlier.charged;
    return {
      reason: "idempotency_replayed",
      first: { hold: earlier.ask.hold, responseId: null, promptTokens: prompt, completionTokens: completion },
    };
  }

  #lanes(key: KeyRecord): Lane[] {
    const lanes: Lane[] = [];
    for (const window of order)
      if (typeof key.limits?.[window] === "number") lanes.push({ of: "key", window, limit: key.limits[window] });
    for (const window of order) {
      const limit = this.org.record.limits[window];
      if (limit !== null) lanes.push({ of: "org", window, limit });
    }
    return lanes;
  }

  #use(of: "org" | KeyId, window: WindowName, atMs: number): { held: number; settled: number } {
    const mine = this.calls.filter((call) => of === "org" || (call.ask.key === of && call.isKeyBooked));
    const slides = (widthMs: number) =>
      mine.filter((call) => Math.floor(call.atMs / widthMs) >= Math.floor(atMs / widthMs) - 60);
    const calendar = (letters: number) => mine.filter((call) => utc(call.atMs, letters) === utc(atMs, letters));
    const total = (calls: Call[], part: (call: Call) => { held: number; settled: number }) =>
      calls.map(part).reduce((one, other) => ({ held: one.held + other.held, settled: one.settled + other.settled }), {
        held: 0,
        settled: 0,
      });
    switch (window) {
      case "requestsPerMinute":
        return { held: 0, settled: slides(1_000).length };
      case "requestsPerHour":
        return { held: 0, settled: slides(60_000).length };
      case "concurrency":
        return { held: mine.filter(({ end }) => end === null).length, settled: 0 };
      case "tokensPerMinute":
        return total(slides(1_000), tokensOf);
      case "requestsPerDay":
        return total(calendar(10), ({ end }) => ({
          held: end === null ? 1 : 0,
          settled: end === null || end === "released" ? 0 : 1,
        }));
      case "tokensPerDay":
        return total(calendar(10), tokensOf);
      case "tokensPerMonth":
        return total(calendar(7), tokensOf);
      case "costMicrosPerMonth":
        return total(calendar(7), (call) =>
          call.end === null
            ? {
                held: costOf(call.ask, {
                  prompt: call.ask.promptTokens,
                  completion: call.ask.choices * call.completionTokens,
                }),
                settled: 0,
              }
            : { held: 0, settled: costOf(call.ask, sum(call.charged, call.late)) },
        );
    }
  }

  #left({ of, window, limit }: Lane, key: KeyId, atMs = this.atMs): number {
    const { held, settled } = this.#use(of === "org" ? "org" : key, window, atMs);
    return limit - held - settled;
  }

  #need({ window }: Lane, call: Call): number {
    if (tokenWindows.includes(window)) return tokensOf(call).held;
    if (window !== "costMicrosPerMonth") return 1;
    return costOf(call.ask, { prompt: call.ask.promptTokens, completion: call.ask.choices * call.completionTokens });
  }

  #passes(lane: Lane, call: Call, atMs = this.atMs): boolean {
    return this.#need(lane, call) <= Math.max(0, this.#left(lane, call.ask.key, atMs));
  }

  #clamped(lanes: Lane[], call: Call): number {
    const narrow = lanes.filter(({ window }) => tokenWindows.includes(window) || window === "costMicrosPerMonth");
    for (let tokens = call.completionTokens; tokens >= 1; tokens--) {
      if (narrow.every((lane) => this.#passes(lane, { ...call, completionTokens: tokens }))) return tokens;
    }
    return call.completionTokens;
  }

  #denial(closed: Lane[], lanes: Lane[], call: Call): Record<string, unknown> {
    const never = closed.find((lane) => this.#need(lane, call) > lane.limit);
    const waits = closed.map((lane) => ({ lane, opensAtMs: this.#opensAtMs(lane, call) }));
    const latest = Math.max(...waits.map(({ opensAtMs }) => opensAtMs));
    const { lane, opensAtMs } = never
      ? { lane: never, opensAtMs: this.#wholeWindow(never, call) }
      : waits.find((wait) => wait.opensAtMs === latest)!;
    const { window, of, limit } = lane;
    const waitMs = Math.max(1, opensAtMs - this.nowMs);
    const isCounted = tokenWindows.includes(window) || window === "costMicrosPerMonth";
    const reason = window === "concurrency" ? "concurrency" : /Minute|Hour/.test(window) ? "rate" : "quota";
    return {
      kind: "denial",
      reason,
      window,
      of,
      limit,
      retryAfterMs: window === "concurrency" ? Math.min(1_000, waitMs) : waitMs,
      resetAtMs: opensAtMs,
      tokensRemaining: isCounted ? this.#tokensRemaining(lanes, call) : null,
      rates: this.#rates(lanes, call.ask.key),
    } satisfies Record<keyof Extract<Denial, { window: WindowName }>, unknown>;
  }

  /** Tries every moment at which something changes. */
  #opensAtMs(lane: Lane, call: Call): number {
    return (
      this.#moments(lane, call.ask.key).find((ms) =>
        lane.window === "concurrency" ? this.#openAt(lane, call, ms) < lane.limit : this.#passes(lane, call, ms),
      ) ?? Number.NaN
    );
  }

  #openAt({ of }: Lane, call: Call, ms: number): number {
    return this.#open().filter(
      (open) => (of === "org" || (open.ask.key === call.ask.key && open.isKeyBooked)) && open.expiresAtMs > ms,
    ).length;
  }

  #moments({ window }: Lane, key: KeyId): number[] {
    void key;
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

  #wholeWindow({ window }: Lane, call: Call): number {
    if (window === "concurrency") return call.expiresAtMs;
    if (window === "requestsPerHour") return (Math.floor(this.atMs / 60_000) + 61) * 60_000;
    return window.endsWith("PerMinute") ? (Math.floor(this.atMs / 1_000) + 61) * 1_000 : this.#calendarEnd(window);
  }

  #tokensRemaining(lanes: Lane[], call: Call): number {
    let least = Infinity;
    for (const lane of lanes) {
      const left = Math.max(0, this.#left(lane, call.ask.key));
      if (tokenWindows.includes(lane.window)) least = Math.min(least, left);
      if (lane.window !== "costMicrosPerMonth" || this.#need(lane, call) <= left) continue;
      let prompt = call.ask.promptTokens;
      while (prompt > 0 && costOf(call.ask, { prompt, completion: 0 }) > left) prompt--;
      let completion = prompt < call.ask.promptTokens ? 0 : call.ask.choices * call.ask.completionTokens;
      while (completion > 0 && costOf(call.ask, { prompt, completion }) > left) completion--;
      least = Math.min(least, prompt + completion);
    }
    return least;
  }

  #rates(lanes: Lane[], key: KeyId): Rates {
    const report = (windows: string[]) => {
      const mine = lanes
        .filter(({ window }) => windows.includes(window))
        .map((lane) => ({ lane, remaining: Math.max(0, this.#left(lane, key)) }));
      const least = Math.min(...mine.map(({ remaining }) => remaining));
      const found = mine.find(({ remaining }) => remaining === least);
      if (!found) return null;
      const { lane, remaining } = found;
      const isFull = (ms: number) => this.#left(lane, key, ms) === lane.limit;
      const fullMs = isFull(this.atMs) ? this.nowMs : this.#moments(lane, key).find(isFull)!;
      return { limit: lane.limit, remaining, resetMs: fullMs - this.nowMs };
    };
    return { requests: report(requestWindows), tokens: report(tokenWindows) };
  }
}

function tokensOf(call: Call): { held: number; settled: number } {
  if (call.end === null) return { held: call.ask.promptTokens + call.ask.choices * call.completionTokens, settled: 0 };
  const { prompt, completion } = sum(call.charged, call.late);
  return { held: 0, settled: prompt + completion };
}

function sum(one: Counts, other: Counts | null): Counts {
  return { prompt: one.prompt + (other?.prompt ?? 0), completion: one.completion + (other?.completion ?? 0) };
}

function costOf({ price }: Ask, { prompt, completion }: Counts): number {
  return Number(
    (BigInt(price.promptMicrosPerMTok) * BigInt(prompt) +
      BigInt(price.completionMicrosPerMTok) * BigInt(completion) +
      999_999n) /
      1_000_000n,
  );
}

function utc(ms: number, letters: number): string {
  return new Date(ms).toISOString().slice(0, letters);
}

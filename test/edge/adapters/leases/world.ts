import { leasingLedger } from "#edge/adapters/leases/ledger.ts";
import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import { OutOfReach } from "#edge/errors.ts";
import { abandonMs } from "#edge/limits.ts";
import type { Grant, Ledger, UsageRow } from "#edge/ledger/port.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import {
  freshOrg,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  orgRecord,
  projectId,
  projectRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { VirtualTime } from "#test/support/fakes/virtual-time.ts";

/** A call that was admitted, by the true time of its admission and of its end. */
export interface TrueCall {
  grant: Grant;
  key: number;
  atMs: number;
  /** Booked by the ledger, or given back. */
  endedAtMs: number | null;
  made: { prompt: number; completion: number } | null;
}

/** How a way to the ledger behaves: how long each leg takes, and whether a message or its answer is lost. */
export interface Way {
  outMs: number;
  backMs: number;
  lost: "no" | "message" | "answer";
}

/** A ledger that isolates lease from, in the world's time; each line of its bill goes to `onUsage`, some by `drain`. */
export interface FarLedger {
  ledger: Ledger;
  drain(): Promise<void>;
}

/** Opens a ledger for an org. */
export type OpenFarLedger = (time: VirtualTime, org: OrgId, onUsage: (row: UsageRow) => void) => FarLedger;

const openInMemory: OpenFarLedger = (time, _org, onUsage) => ({
  ledger: memoryLedger({ now: () => time.nowMs, wait: (ms) => time.sleep(ms), onUsage }),
  drain: async () => undefined,
});

/** One ledger and several isolates that lease from it, in a time of their own. */
export class LeaseWorld {
  readonly time: VirtualTime;
  readonly org = freshOrg();
  readonly ledger: Ledger;
  readonly drain: () => Promise<void>;
  readonly bill: UsageRow[] = [];
  readonly calls: TrueCall[] = [];
  readonly isolates: Ledger[] = [];
  readonly #dead = new Set<number>();
  readonly #offsets: number[];
  #nextWay: () => Way = () => ({ outMs: 0, backMs: 0, lost: "no" });

  /** Whose limits `publish` sets: the org's, or those of the project that the key is in. */
  readonly #lane: "org" | "project";

  constructor(
    startMs: number,
    {
      isolates = 1,
      offsets = [] as number[],
      leaseMs = 1_000,
      open = openInMemory,
      lane = "org" as "org" | "project",
    } = {},
  ) {
    this.#lane = lane;
    this.time = new VirtualTime(startMs);
    const { ledger, drain } = open(this.time, this.org, (row) => void this.bill.push(row));
    this.ledger = ledger;
    this.drain = drain;
    this.#offsets = Array.from({ length: isolates }, (_, index) => offsets[index] ?? 0);
    for (let index = 0; index < isolates; index++) this.isolates.push(this.#open(index, leaseMs));
  }

  setWay(next: () => Way): void {
    this.#nextWay = next;
  }

  publish(limits: Partial<Limits>, key: Parameters<typeof keyRecord>[2] = {}, version = 1): Promise<void> {
    const own = { ...key, version };
    const all =
      this.#lane === "org"
        ? [orgRecord(this.org, limits, version), keyRecord(this.org, 1, own)]
        : [
            orgRecord(this.org, {}, version),
            projectRecord(this.org, 1, { limits, version }),
            keyRecord(this.org, 1, { ...own, project: projectId(this.org, 1) }),
          ];
    return Promise.all(all.map((record) => this.ledger.publish(record))).then(() => undefined);
  }

  /** Whatever an isolate does after this never happens: its leases are not closed. */
  kill(isolate: number): void {
    this.#dead.add(isolate);
  }

  /** The clock of an isolate is set back. */
  stepBack(isolate: number, ms: number): void {
    this.#offsets[isolate] = (this.#offsets[isolate] ?? 0) - ms;
  }

  /** A call by an isolate; resolves with it once it is admitted, with `null` when it is refused or the way is cut. */
  async call(isolate: number, fields: Parameters<typeof makeRequest>[1] = {}): Promise<TrueCall | null> {
    const ledger = this.isolates[isolate];
    if (!ledger || this.#dead.has(isolate)) return null;
    const request = makeRequest(this.org, fields);
    const answer = await ledger.admit(request).catch(() => null);
    if (answer?.kind !== "grant") return null;
    const known = this.calls.find(({ grant }) => grant.hold === answer.hold);
    if (known) return known;
    return this.#remember(answer);
  }

  /** The node reports the call, however often. */
  async settle(call: TrueCall, { completion = 20, times = 1, isFinal = true } = {}): Promise<void> {
    const { hold, leased } = call.grant;
    const record = {
      ...makeRecord(this.org, hold, { completionTokens: completion, isFinal }),
      ...(leased && { leased }),
    };
    for (let i = 0; i < times; i++) await this.ledger.settle(this.org, [record]);
    if (!isFinal) return;
    call.endedAtMs = Math.min(call.endedAtMs ?? Infinity, this.time.nowMs);
    call.made ??= { prompt: 10, completion };
  }

  /** No node ran it: its isolate gives it back. */
  async release(isolate: number, call: TrueCall, mayRun = false): Promise<void> {
    const { hold, leased } = call.grant;
    const before = this.time.nowMs;
    const isDone = await this.isolates[isolate]?.release(this.org, hold, mayRun, leased).then(
      () => true,
      () => false,
    );
    // Given back to the isolate's own lease, at once.
    if (isDone && before === this.time.nowMs) call.endedAtMs ??= before;
  }

  /** `[remaining, held, settled]` of one of the org's windows. */
  async read(window: keyof Limits): Promise<(number | null | undefined)[]> {
    const state = await this.ledger.inspect(this.org);
    const found = state?.windows.find((each) => each.window === window && each.of === "org");
    return [found?.remaining, found?.held, found?.settled];
  }

  /** The most calls that were truly admitted in any span of this length, both ends counted. */
  spanMax(spanMs: number): number {
    const times = this.calls.map(({ atMs }) => atMs).toSorted((one, other) => one - other);
    let most = 0;
    let from = 0;
    for (const [index, atMs] of times.entries()) {
      while ((times[from] ?? 0) < atMs - spanMs) from++;
      most = Math.max(most, index - from + 1);
    }
    return most;
  }

  #remember(grant: Grant): TrueCall {
    const call = { grant, key: 1, atMs: this.time.nowMs, endedAtMs: null, made: null };
    this.calls.push(call);
    return call;
  }

  /** An isolate with its own clock, at the end of its own way. */
  #open(index: number, leaseMs: number): Ledger {
    const travel = async <T>(go: () => Promise<T>): Promise<T> => {
      const { outMs, backMs, lost } = this.#nextWay();
      await this.time.sleep(outMs);
      if (lost === "message" || this.#dead.has(index)) throw new OutOfReach("cut", false);
      const answer = await go();
      await this.time.sleep(backMs);
      if (lost === "answer") throw new OutOfReach("cut");
      if (this.#dead.has(index)) return new Promise(() => undefined);
      return answer;
    };
    const { ledger } = this;
    const far: Ledger = {
      ...ledger,
      admit: (request) =>
        travel(async () => {
          const answer = await ledger.admit(request);
          // That is the moment that counts, also when the answer is lost.
          if (answer.kind === "grant") this.#remember(answer);
          return answer;
        }),
      lease: (credential, request) => travel(() => ledger.lease(credential, request)),
      closeLease: (org, closing) =>
        travel(async () => {
          await ledger.closeLease(org, closing);
          // Some come twice.
          if (closing.attempts % 3 === 0) await ledger.closeLease(org, closing);
        }),
      release: (org, hold, mayRun, leased) =>
        travel(async () => {
          const settlement = await ledger.release(org, hold, mayRun, leased);
          const call = this.calls.find(({ grant }) => grant.hold === hold);
          if (call) call.endedAtMs ??= this.time.nowMs + (mayRun ? abandonMs : 0);
          return settlement;
        }),
    };
    return leasingLedger(far, {
      leaseMs,
      now: () => this.time.nowMs + (this.#offsets[index] ?? 0),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      later: (work) => void work().catch(() => undefined),
      wait: (ms) => (this.#dead.has(index) ? new Promise(() => undefined) : this.time.sleep(ms)),
    });
  }
}

export { keyId };

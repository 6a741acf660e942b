import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import type { ProjectRecord } from "#edge/agreements/records/project.ts";
import type { NodeReport, SignedIn } from "#edge/control/http/port.ts";
import type { LedgerState, PublishedRecord } from "#edge/ledger/port.ts";

/** A ledger that keeps what it is told, newest version wins, and can be taken out of reach. */
export class FakePublisher {
  records = new Map<string, PublishedRecord>();
  published: PublishedRecord[] = [];
  /** Which publishes fail: by default none. */
  fails: (record: PublishedRecord) => boolean = () => false;
  isDeaf = false;

  async publish(record: PublishedRecord): Promise<void> {
    if (this.fails(record)) throw new Error("ledger out of reach");
    this.published.push(record);
    const known = this.records.get(record.id);
    if (!known || known.version < record.version) this.records.set(record.id, record);
  }

  async inspect(org: string): Promise<LedgerState | null> {
    if (this.isDeaf) throw new Error("ledger out of reach");
    if (!this.records.has(org)) return null;
    const window = {
      window: "requestsPerMinute",
      of: "org",
      limit: 60,
      remaining: 57,
      held: 1,
      settled: 2,
      resetAtMs: null,
    } as const;
    return { org, atMs: 1_763_700_000_000, windows: [window], openHolds: [], leases: [], outboxRows: 0 };
  }

  key(id: string): KeyRecord {
    return this.records.get(id) as KeyRecord;
  }

  project(id: string): ProjectRecord {
    return this.records.get(id) as ProjectRecord;
  }

  org(id: string): OrgRecord {
    return this.records.get(id) as OrgRecord;
  }
}

/** One node that has reported and one that has not; `refresh` can be made to fail. */
export class FakeFleet {
  refresh: (nowMs: number) => Promise<void> | null = () => null;

  view(): NodeReport[] {
    const record = { url: "https://node.example.test", models: ["qwen-chat"] };
    const load = { running: 2, waiting: 1, kvUsed: 0.25, heldTokens: 4_096 };
    const unheard = { state: null, heartbeatAgeMs: null, load: null, kvPoolTokens: null, breaker: "closed" } as const;
    return [
      {
        record: { ...record, id: "node_a", tier: "shared", kind: "l4" },
        state: "ready",
        heartbeatAgeMs: 1_000,
        load,
        kvPoolTokens: 100_000,
        breaker: "closed",
      },
      { record: { ...record, id: "node_b", tier: "complex" }, ...unheard },
    ];
  }
}

/** Who is signed in, by a cookie that says so. */
export class FakeSessions {
  people = new Map<string, SignedIn>();

  async find(request: Request): Promise<SignedIn | null> {
    return this.people.get(request.headers.get("cookie")?.replace("session=", "") ?? "") ?? null;
  }
}

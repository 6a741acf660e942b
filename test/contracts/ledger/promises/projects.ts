import { describe, expect, test } from "vitest";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { ProjectRecord } from "#edge/agreements/records/project.ts";
import type { KeyLimits, Limits } from "#edge/agreements/records/quota.ts";
import type { WindowName } from "#edge/agreements/records/windows.ts";
import type { HoldRequest } from "#edge/ledger/port.ts";
import {
  exceeded,
  granted,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
  orgRecord,
  projectId,
  projectRecord,
  type OpenLedger,
} from "../ledger-fixtures.ts";
import { makeClosing, makeCredential, makeLeased, makeWish, openLease, plenty } from "./lease-fixtures.ts";

/** Until a lease of a second has ended by the ledger's clock. */
const endMs = 1_100;

/** What `Ledger` promises of projects, for any adapter. */
export function ledgerProjects(name: string, open: OpenLedger): void {
  /** Keys 1 and 2 are in the first project, 3 is in the second, which has the same limits, and 4 in none. */
  const openProjects = async (limits: KeyLimits, orgLimits: Partial<Limits> = {}) => {
    const opened = await open(noon);
    const { ledger, org } = opened;
    const publishProject = (n: number, fields: Partial<ProjectRecord>) => ledger.publish(projectRecord(org, n, fields));
    const publishKey = (n: number, fields: Partial<KeyRecord>) => ledger.publish(keyRecord(org, n, fields));
    await ledger.publish(orgRecord(org, orgLimits));
    for (const n of [1, 2]) await publishProject(n, { limits });
    for (const n of [1, 2, 3]) await publishKey(n, { project: projectId(org, n === 3 ? 2 : 1) });
    await publishKey(4, {});
    const admit = (n: number, fields: Partial<HoldRequest> = {}) =>
      ledger.admit(makeRequest(org, { key: keyId(org, n), ...fields }));
    /** `[remaining, held, settled]` of a project's window. */
    const read = async (n: number, window: WindowName) => {
      const state = await ledger.inspect(org);
      const found = state?.windows.find((each) => each.of === projectId(org, n) && each.window === window);
      return found && [found.remaining, found.held, found.settled];
    };
    const settle = (hold: string, fields = {}) => ledger.settle(org, [makeRecord(org, hold, fields)]);
    return { ...opened, admit, read, settle, publishProject, publishKey };
  };

  describe(`${name}: projects`, () => {
    test.each([
      ["requestsPerMinute", 2],
      ["requestsPerHour", 2],
      ["requestsPerDay", 2],
      ["concurrency", 2],
      ["tokensPerMinute", 60],
      ["tokensPerDay", 60],
      ["tokensPerMonth", 60],
      ["costMicrosPerMonth", 100],
    ] as const)("a project has one %s for all its keys, and nobody else's calls count there", async (window, limit) => {
      const { admit, restart } = await openProjects({ [window]: limit });
      for (const n of [3, 4, 4, 1]) granted(await admit(n));
      await restart();
      granted(await admit(2));
      for (const n of [1, 2]) expect(exceeded(await admit(n))).toMatchObject({ window, of: "project", limit });
      granted(await admit(3));
      expect(exceeded(await admit(3))).toMatchObject({ window, of: "project", limit });
      granted(await admit(4));
    });

    test("of a thousand calls at once exactly as many are admitted as the project has room for", async () => {
      const { admit } = await openProjects({ requestsPerMinute: 30 });
      const answers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => admit((n % 2) + 1)));
      expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(30);
    });

    test("it stands beside the key's limits and the org's: a call counts in all, the narrowest bites", async () => {
      const own = { requestsPerMinute: 4 };
      const { ledger, org, admit, publishKey } = await openProjects({ requestsPerMinute: 3 }, { requestsPerMinute: 5 });
      await publishKey(1, { limits: { requestsPerMinute: 1 }, project: projectId(org, 1), version: 2 });
      expect(granted(await admit(1)).rates.requests).toMatchObject({ limit: 1, remaining: 0 });
      expect(exceeded(await admit(1))).toMatchObject({ of: "key", limit: 1 });
      expect(granted(await admit(2)).rates.requests).toMatchObject({ limit: 3, remaining: 1 });
      granted(await admit(2));
      expect(exceeded(await admit(2))).toMatchObject({ of: "project", limit: 3, rates: { requests: { limit: 3 } } });
      granted(await admit(4));
      granted(await admit(3));
      expect(exceeded(await admit(3))).toMatchObject({ of: "org", limit: 5 });
      await publishKey(1, { limits: own, project: projectId(org, 1), version: 3 });
      const state = await ledger.inspect(org);
      const used = [keyId(org, 1), projectId(org, 1), "org"].map(
        (of) => state?.windows.find((each) => each.of === of && each.window === "requestsPerMinute")?.settled,
      );
      expect(used).toEqual([1, 3, 5]);
    });

    test("what is settled, given back, expired or late changes the project's windows as the org's", async () => {
      const { ledger, org, clock, admit, read, settle } = await openProjects({ tokensPerDay: 1_000, concurrency: 9 });
      const [one, two, three] = [await admit(1), await admit(2), await admit(1, { ttlMs: 500 })].map(granted);
      expect(await read(1, "tokensPerDay")).toEqual([910, 90, 0]);
      await settle(one!.hold, { completionTokens: 2 });
      await ledger.release(org, two!.hold);
      expect(await read(1, "tokensPerDay")).toEqual([958, 30, 12]);
      clock.advance(500);
      expect(await read(1, "tokensPerDay")).toEqual([988, 0, 12]);
      expect(await read(1, "concurrency")).toEqual([9, 0, 0]);
      await settle(three!.hold);
      expect(await read(1, "tokensPerDay")).toEqual([958, 0, 42]);
      expect(await read(2, "tokensPerDay")).toEqual([1_000, 0, 0]);
    });

    test("what its keys used before it had a limit counts as soon as it has one", async () => {
      const { admit, read, publishProject } = await openProjects({});
      for (const n of [1, 2, 1]) granted(await admit(n));
      expect(await read(1, "requestsPerDay")).toBeUndefined();
      await publishProject(1, { limits: { requestsPerDay: 3 }, version: 2 });
      expect(await read(1, "requestsPerDay")).toEqual([0, 3, 0]);
      expect(exceeded(await admit(2))).toMatchObject({ window: "requestsPerDay", of: "project" });
    });

    test("a key that moves counts in its new project from then on; open calls settle where they are", async () => {
      const limits = { tokensPerDay: 100, concurrency: 2 };
      const { org, admit, read, settle, publishKey, restart } = await openProjects(limits);
      const { hold } = granted(await admit(1));
      await publishKey(1, { project: projectId(org, 2), version: 2 });
      const later = granted(await admit(1)).hold;
      await publishKey(1, { version: 3 });
      granted(await admit(1));
      await restart();
      expect([await read(1, "tokensPerDay"), await read(2, "tokensPerDay")]).toEqual([
        [70, 30, 0],
        [70, 30, 0],
      ]);
      await settle(hold, { completionTokens: 0 });
      await settle(later);
      expect([await read(1, "tokensPerDay"), await read(2, "tokensPerDay")]).toEqual([
        [90, 0, 10],
        [70, 0, 30],
      ]);
      expect([await read(1, "concurrency"), await read(2, "concurrency")]).toEqual([
        [2, 0, 0],
        [2, 0, 0],
      ]);
    });

    test("a rotated key stays in its project, and both count there", async () => {
      const { org, admit, publishKey } = await openProjects({ requestsPerDay: 2 });
      await publishKey(5, { project: projectId(org, 1), lineage: keyId(org, 1), limits: { requestsPerDay: 9 } });
      granted(await admit(1));
      granted(await admit(5));
      for (const n of [1, 5, 2]) expect(exceeded(await admit(n))).toMatchObject({ of: "project", limit: 2 });
    });

    test("whoever lacks a slot of the project learns when the first of its calls surely ends", async () => {
      const { admit } = await openProjects({ concurrency: 1 });
      granted(await admit(4, { ttlMs: 1_000 }));
      granted(await admit(3, { ttlMs: 2_000 }));
      granted(await admit(2, { ttlMs: 5_000 }));
      expect(exceeded(await admit(1))).toMatchObject({ of: "project", resetAtMs: noon + 5_000, retryAfterMs: 1_000 });
    });

    test("keys of an archived project are refused, from the next call on, and go on where they were", async () => {
      const limits = { requestsPerDay: 3 };
      const { ledger, org, admit, read, publishProject, settle } = await openProjects(limits);
      const { hold } = granted(await admit(1));
      await publishProject(1, { limits, isArchived: true, version: 2 });
      const no = { kind: "denial", reason: "project" };
      expect([await admit(1), await admit(2)]).toEqual([no, no]);
      expect(await ledger.introspect(makeRequest(org))).toEqual(no);
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
      expect(await admit(1, { digests: [] })).toEqual({ kind: "denial", reason: "key" });
      for (const n of [3, 4]) granted(await admit(n));
      expect(await settle(hold)).toMatchObject([{ result: "settled" }]);
      await publishProject(1, { limits, version: 3 });
      granted(await admit(2));
      expect(await read(1, "requestsPerDay")).toEqual([1, 1, 1]);
    });

    test("a key whose project is unknown here is refused: no call without its limits", async () => {
      const { ledger, org, admit, publishKey, publishProject } = await openProjects({});
      await publishKey(4, { project: projectId(org, 3), version: 2 });
      const no = { kind: "denial", reason: "key" };
      expect(await admit(4)).toEqual(no);
      expect(await ledger.introspect(makeRequest(org, { key: keyId(org, 4) }))).toEqual(no);
      await publishProject(3, {});
      granted(await admit(4));
    });

    test("a record of a lower version is ignored, a malformed one refused, and a restart loses none", async () => {
      const { ledger, org, admit, restart, publishProject } = await openProjects({});
      await publishProject(1, { limits: { requestsPerDay: 0 }, version: 3 });
      await publishProject(1, { version: 2 });
      await expect(publishProject(1, { limits: { requestsPerDay: -1 }, version: 9 })).rejects.toThrow("requestsPerDay");
      await expect(ledger.publish({ ...projectRecord(org, 1), id: "proj_x" })).rejects.toThrow("id");
      await restart();
      expect(exceeded(await admit(1))).toMatchObject({ of: "project", window: "requestsPerDay", limit: 0 });
    });
  });

  describe(`${name}: projects and leases`, () => {
    test("a lease sets aside from the project's windows what it does from the org's, and all comes back", async () => {
      const opened = await openProjects(plenty);
      const { ledger, org, clock, read, restart } = opened;
      const lease = await openLease(opened);
      await openLease(opened, {}, 3);
      await openLease(opened, {}, 4);
      await restart();
      expect(await read(1, "requestsPerMinute")).toEqual([9_980, 0, 20]);
      expect(await read(1, "concurrency")).toEqual([9_980, 20, 0]);
      expect(await read(1, "tokensPerDay")).toEqual([999_400, 600, 0]);
      const record = makeLeased(lease, { completionTokens: 5 });
      expect(await ledger.settle(org, [record])).toMatchObject([{ result: "settled" }]);
      expect(await read(1, "tokensPerDay")).toEqual([999_415, 570, 15]);
      clock.advance(endMs);
      await ledger.closeLease(org, makeClosing(lease, 1));
      expect(await read(1, "requestsPerMinute")).toEqual([9_999, 0, 1]);
      expect(await read(1, "concurrency")).toEqual([10_000, 0, 0]);
      expect(await read(1, "tokensPerDay")).toEqual([999_985, 0, 15]);
      expect(await read(2, "concurrency")).toEqual([9_980, 20, 0]);
    });

    test("none beyond a sixteenth of what the project has left, and none where that is below four calls", async () => {
      const opened = await openProjects({ requestsPerMinute: 176 }, plenty);
      const { ledger, org, admit } = opened;
      for (let i = 0; i < 16; i++) granted(await admit(2));
      expect((await openLease(opened)).calls).toBe(10);
      expect((await openLease(opened, {}, 4)).calls).toBe(20);
      for (let i = 0; i < 90; i++) granted(await admit(2));
      expect(await ledger.lease(makeCredential(org), makeWish())).toBeNull();
    });

    test("a call of a lease counts where its lease does, wherever its key has gone and its terms point", async () => {
      const opened = await openProjects({ tokensPerDay: 100_000 });
      const { ledger, org, clock, read, publishKey } = opened;
      const lease = await openLease(opened);
      clock.advance(endMs);
      await publishKey(1, { project: projectId(org, 2), version: 2 });
      await ledger.settle(org, [makeLeased(lease, { terms: { project: projectId(org, 2) } })]);
      expect(await read(1, "tokensPerDay")).toEqual([99_400, 570, 30]);
      clock.advance(40 * 60_000);
      expect(await read(1, "tokensPerDay")).toEqual([99_970, 0, 30]);
      // Its lease is gone: now the terms say.
      await ledger.settle(org, [makeLeased(lease)]);
      expect(await read(1, "tokensPerDay")).toEqual([99_940, 0, 60]);
      expect(await read(2, "tokensPerDay")).toEqual([100_000, 0, 0]);
    });

    test("a project's record waits for the leases of its keys, to their end, and for no others", async () => {
      const opened = await openProjects(plenty);
      const { waited, publishProject } = opened;
      const clock = waited ?? (() => performance.now());
      const time = async (work: () => Promise<void>) => {
        const beforeMs = clock();
        await work();
        return clock() - beforeMs;
      };
      await openLease(opened, {}, 2);
      expect(await time(() => publishProject(2, { version: 2 }))).toBeLessThan(waited ? 1 : endMs - 2);
      const ms = await time(() => publishProject(1, { isArchived: true, version: 2 }));
      expect(ms).toBeGreaterThanOrEqual(waited ? endMs : endMs - 2);
      expect(ms).toBeLessThan(endMs + 900);
    });

    test("whoever lacks a slot of the project waits for its calls, its keys in turn; another's go ahead", async () => {
      const { admit, settle } = await openProjects({ concurrency: 1 });
      const first = granted(await admit(1)).hold;
      const ended: number[] = [];
      const wait = async (n: number) => {
        const answer = admit(n, { waitMs: 30_000 });
        void answer.then(() => ended.push(n));
        await new Promise((done) => setTimeout(done, 60));
        return answer;
      };
      const waiting = [wait(1)];
      await new Promise((done) => setTimeout(done, 80));
      waiting.push(wait(1));
      await new Promise((done) => setTimeout(done, 80));
      waiting.push(wait(2));
      await new Promise((done) => setTimeout(done, 80));
      expect(ended).toEqual([]);
      const other = granted(await admit(3)).hold;
      await settle(other);
      await settle(first);
      await settle(granted(await waiting[0]!).hold);
      await settle(granted(await waiting[2]!).hold);
      granted(await waiting[1]!);
      expect(ended).toEqual([1, 2, 1]);
    });

    test("a call waits for what leases of its project have set aside, and for no other project's", async () => {
      const opened = await openProjects({ tokensPerDay: 10_000 });
      const { ledger, org, admit } = opened;
      await openLease(opened, { ttlMs: 5_000 }, 3);
      const large = { promptTokens: 9_990, completionTokens: 0, waitMsMax: 30_000 };
      const { hold } = granted(await admit(1, { promptTokens: 500, completionTokens: 0 }));
      const late = new Promise<null>((done) => void setTimeout(() => done(null), 3_000));
      const denied = { reason: "quota", window: "tokensPerDay", of: "project" };
      expect(await Promise.race([admit(1, large), late])).toMatchObject(denied);
      await ledger.release(org, hold);
      const lease = await openLease(opened, {}, 2);
      let known: unknown = null;
      const waiting = admit(1, large).then((answer) => (known = answer));
      await new Promise((done) => setTimeout(done, 80));
      expect(known).toBeNull();
      await ledger.closeLease(org, makeClosing(lease, 0));
      expect(await waiting).toMatchObject({ kind: "grant" });
    });

    test("no late comer takes a slot of the project that somebody of it waits for", async () => {
      const { admit, settle } = await openProjects({ concurrency: 1 });
      const first = granted(await admit(1)).hold;
      const waiting = admit(1, { waitMs: 30_000 });
      await new Promise((done) => setTimeout(done, 80));
      await settle(first);
      expect(exceeded(await admit(2))).toMatchObject({ window: "concurrency", of: "project" });
      granted(await waiting);
    });
  });
}

import { describe, expect, test } from "vitest";
import type { Settlement, UsageRow } from "#edge/ledger/port.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import {
  fill,
  findWindow,
  freshHold,
  freshLease,
  keyId,
  keyRecord,
  makeRecord,
  noon,
  openWith,
  type OpenLedger,
} from "../ledger-fixtures.ts";
import { makeClosing, makeLeased, makeTerms, openLease, plenty } from "./lease-fixtures.ts";

const deadlineMs = 1_100 + 25 * 60_000;
const week = 7 * 24 * 3_600_000;

/** What `Ledger` promises of calls that were admitted under a lease, and of which it hears by their terms. */
export function ledgerLeasedCalls(name: string, open: OpenLedger): void {
  const list = (settlements: Settlement[]) => settlements.map(({ result }) => result);
  const show = (rows: UsageRow[]) =>
    rows
      .toSorted((one, other) => one.id.localeCompare(other.id))
      .map(({ id, end, promptTokens, completionTokens, costMicros }) => [
        id.slice(27),
        end,
        promptTokens,
        completionTokens,
        costMicros,
      ]);

  describe(`${name}: calls under a lease`, () => {
    test("a final word books admission and end together, once, where the lease is; its line is whole", async () => {
      const opened = await openWith(open, plenty, { limits: { tokensPerDay: 500_000 } });
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const terms = { model: 'a "b"\nc', tier: "complex", admittedAtMs: noon + 400 } as const;
      opened.clock.advance(700);
      const record = makeLeased(grant, { completionTokens: 5, responseId: "id\n1", endedAtMs: noon + 600, terms });
      expect(list(await ledger.settle(org, [record, record]))).toEqual(["settled", "repeated"]);
      await opened.restart();
      expect(list(await ledger.settle(org, [record, { ...record, isFinal: false }]))).toEqual(["repeated", "repeated"]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_415, 570, 15]);
      expect(await findWindow(opened, "tokensPerMinute")).toEqual([999_415, 570, 15]);
      expect(await findWindow(opened, "costMicrosPerMonth")).toEqual([999_030, 950, 20]);
      expect(await findWindow(opened, "concurrency")).toEqual([9_981, 19, 0]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_980, 19, 1]);
      expect(await findWindow(opened, "requestsPerMinute")).toEqual([9_980, 0, 20]);
      const own = (await ledger.inspect(org))?.windows.find(({ of }) => of === keyId(org, 1));
      expect(own).toMatchObject({ remaining: 499_415, held: 570, settled: 15 });
      expect(await opened.usage()).toEqual([
        {
          id: record.hold,
          hold: record.hold,
          org,
          key: keyId(org, 1),
          model: terms.model,
          tier: "complex",
          endpoint: "chat.completions",
          end: "completed",
          promptTokens: 10,
          cachedTokens: 0,
          completionTokens: 5,
          responseId: "id\n1",
          costMicros: 20,
          admittedAtMs: noon + 400,
          endedAtMs: noon + 600,
          units: 0,
          ttftMs: null,
        },
      ]);
    });

    test("a checkpoint opens its hold; the final word ends it; alone it expires at the ticket's deadline", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      const [ended, left] = [freshHold(), freshHold()];
      const word = (hold: string, isFinal: boolean, terms: Partial<LeasedTerms> = {}) =>
        ledger.settle(org, [makeLeased(grant, { hold, isFinal, completionTokens: 7, terms })]);
      expect(list(await word(ended, false))).toEqual(["checkpointed"]);
      expect(list(await word(left, false, { expiresAtMs: noon + 5_000 }))).toEqual(["checkpointed"]);
      await opened.restart();
      const state = await ledger.inspect(org);
      expect(
        state?.openHolds.map(({ hold, key, tokens, expiresAtMs }) => [hold, key, tokens, expiresAtMs]).toSorted(),
      ).toEqual([
        [ended, keyId(org, 1), 30, noon + 930_000],
        [left, keyId(org, 1), 30, noon + 5_000],
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_400, 600, 0]);
      expect(list(await word(ended, false))).toEqual(["checkpointed"]);
      // The word of a hold that is open needs no terms.
      expect(list(await ledger.settle(org, [makeRecord(org, ended)]))).toEqual(["settled"]);
      clock.set(noon + 4_999);
      expect((await ledger.inspect(org))?.openHolds).toHaveLength(1);
      clock.set(noon + 5_000);
      expect((await ledger.inspect(org))?.openHolds).toEqual([]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_413, 540, 47]);
      expect(show(await opened.usage())).toEqual([
        ["", "completed", 10, 20, 50],
        ["", "expired", 10, 7, 24],
      ]);
      expect(list([...(await word(left, true)), ...(await word(left, true))])).toEqual(["adjusted", "repeated"]);
    });

    test("a prompt longer than its bound is a line more, as of any call", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const over = makeLeased(grant, { promptTokens: 14 });
      expect(list(await ledger.settle(org, [over, over]))).toEqual(["over_hold", "repeated"]);
      expect(show(await opened.usage())).toEqual([
        ["", "completed", 10, 20, 50],
        [":late", "adjusted", 4, 0, 4],
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_396, 570, 34]);
    });

    test("its times are bounded by the lease's, whatever its isolate's clock says", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const terms = [
        { admittedAtMs: noon - 3_600_000, expiresAtMs: noon - 1 },
        { admittedAtMs: noon + 3_600_000, expiresAtMs: noon * 2 },
      ];
      for (const each of terms) await ledger.settle(org, [makeLeased(grant, { isFinal: false, terms: each })]);
      const deadlines = (await ledger.inspect(org))?.openHolds.map(({ expiresAtMs }) => expiresAtMs);
      expect(deadlines).toEqual([noon + deadlineMs]);
      expect((await opened.usage()).map(({ admittedAtMs }) => admittedAtMs)).toEqual([noon]);
    });

    test("it is counted where its lease is, whatever its terms say", async () => {
      const opened = await openWith(open, plenty, { limits: { tokensPerDay: 500_000 } });
      const { ledger, org } = opened;
      await ledger.publish(keyRecord(org, 2, { limits: { tokensPerDay: 500_000 } }));
      const grant = await openLease(opened);
      const wrong = [{ isKeyBooked: false }, { lineage: keyId(org, 2) }];
      for (const terms of wrong) await ledger.settle(org, [makeLeased(grant, { terms })]);
      const own = (await ledger.inspect(org))?.windows.filter(({ of }) => of !== "org");
      expect(own?.map(({ of, held, settled }) => [of, held, settled]).toSorted()).toEqual([
        [keyId(org, 1), 540, 60],
        [keyId(org, 2), 0, 0],
      ]);
    });

    test("closed before its calls end, a lease goes on for them alone, and is forgotten with the last", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      const [first, second] = [makeLeased(grant), makeLeased(grant)];
      expect(list(await ledger.settle(org, [first]))).toEqual(["settled"]);
      await ledger.closeLease(org, makeClosing(grant, 2));
      expect(await findWindow(opened, "concurrency")).toEqual([9_999, 1, 0]);
      await opened.restart();
      expect(list(await ledger.settle(org, [second]))).toEqual(["settled"]);
      // What comes beyond what its isolate reported has no lease to be taken from.
      expect(list(await ledger.settle(org, [makeLeased(grant, { isFinal: false })]))).toEqual(["unknown"]);
      expect(await findWindow(opened, "concurrency")).toEqual([10_000, 0, 0]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_940, 0, 60]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_998, 0, 2]);
      clock.advance(deadlineMs);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_998, 0, 2]);
    });

    test("after the lease was swept a last word is booked once, as what comes late is; no other is", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      clock.advance(deadlineMs);
      const late = makeLeased(grant, { completionTokens: 7, promptTokens: 99 });
      const given = makeLeased(grant, { outcome: "cancelled", isFinal: false, completionTokens: 0 });
      expect(list(await ledger.settle(org, [makeLeased(grant, { isFinal: false })]))).toEqual(["unknown"]);
      expect(list(await ledger.settle(org, [late, late, given]))).toEqual(["adjusted", "repeated", "adjusted"]);
      await opened.restart();
      expect(list(await ledger.settle(org, [late, given]))).toEqual(["repeated", "repeated"]);
      expect(show(await opened.usage())).toEqual([
        [":late", "adjusted", 10, 7, 24],
        [":late", "adjusted", 10, 0, 10],
      ]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_973, 0, 27]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([10_000, 0, 0]);
      expect(list([await ledger.release(org, freshHold(), false, makeTerms(grant))])).toEqual(["unknown"]);
    });

    test("one older than ended calls are remembered is not booked: it may have been", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      const word = () => ledger.settle(org, [makeLeased(grant)]);
      clock.set(noon + week - 1);
      expect(list(await word())).toEqual(["adjusted"]);
      clock.set(noon + week);
      expect(list(await word())).toEqual(["unknown"]);
      expect(await opened.usage()).toHaveLength(1);
    });

    test("no lease covers another key's call, one that holds more than is left, or one of another name", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      await ledger.publish(keyRecord(org, 2));
      const grant = await openLease(opened);
      await ledger.settle(org, [makeLeased(grant)]);
      const foreign: Partial<LeasedTerms>[] = [
        { key: keyId(org, 2) },
        { promptTokens: 551 },
        { price: { promptMicrosPerMTok: 100_000_000, completionMicrosPerMTok: 0 } },
        { lease: freshLease() },
      ];
      for (const terms of foreign) {
        expect(list([await ledger.release(org, freshHold(), false, makeTerms(grant, terms))])).toEqual(["unknown"]);
        const note = makeLeased(grant, { isFinal: false, terms });
        // Its ticket was ours, so what it made is billed; nothing is taken from the lease for it.
        expect(list(await ledger.settle(org, [note, { ...note, isFinal: true }]))).toEqual(["unknown", "adjusted"]);
      }
      expect(await findWindow(opened, "concurrency")).toEqual([9_981, 19, 0]);
      const [, held] = await findWindow(opened, "tokensPerDay");
      expect(held).toBe(570);
    });

    test("given back, it holds nothing any more, and its attempt stays counted", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const hold = freshHold();
      const release = () => ledger.release(org, hold, false, makeTerms(grant));
      expect(list([await release(), await release()])).toEqual(["released", "repeated"]);
      await opened.restart();
      expect(list([await release(), ...(await ledger.settle(org, [makeLeased(grant, { hold })]))])).toEqual([
        "repeated",
        "repeated",
      ]);
      expect(await findWindow(opened, "concurrency")).toEqual([9_981, 19, 0]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_430, 570, 0]);
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_981, 19, 0]);
      expect(await findWindow(opened, "requestsPerMinute")).toEqual([9_980, 0, 20]);
      expect(await opened.usage()).toEqual([]);
    });

    test("given up while a node may run it, it stands two seconds more; with tokens known it is billed", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org, clock } = opened;
      const grant = await openLease(opened);
      const [late, silent, noted] = [freshHold(), freshHold(), freshHold()];
      const giveUp = (hold: string) => ledger.release(org, hold, true, makeTerms(grant));
      expect(list([await giveUp(late), await giveUp(silent)])).toEqual(["checkpointed", "checkpointed"]);
      expect((await ledger.inspect(org))?.openHolds.map(({ expiresAtMs }) => expiresAtMs - noon)).toEqual([
        2_000, 2_000,
      ]);
      await opened.restart();
      await ledger.settle(org, [makeLeased(grant, { hold: noted, isFinal: false, completionTokens: 3 })]);
      expect(list([await ledger.release(org, noted, false, makeTerms(grant))])).toEqual(["settled"]);
      clock.advance(1_999);
      expect(list(await ledger.settle(org, [makeLeased(grant, { hold: late })]))).toEqual(["settled"]);
      clock.advance(1);
      expect((await ledger.inspect(org))?.openHolds).toEqual([]);
      expect(show(await opened.usage())).toEqual([
        ["", "completed", 10, 20, 50],
        ["", "expired", 0, 0, 0],
        ["", "failed", 10, 3, 16],
      ]);
    });

    test("restarts between every two steps change nothing, and at rest nothing is held", async () => {
      const opened = await openWith(open, plenty, { limits: { concurrency: 900 } });
      const { ledger, org, clock } = opened;
      const [one] = await fill(opened, 1);
      const grant = await openLease(opened);
      const calls = Array.from({ length: 4 }, () => makeLeased(grant));
      const [noted] = calls;
      const steps = [
        () => ledger.settle(org, [{ ...makeLeased(grant, { hold: noted?.hold ?? "" }), isFinal: false }]),
        () => ledger.closeLease(org, makeClosing(grant, 5, { attempts: 6 })),
        () => ledger.settle(org, calls),
        () => ledger.settle(org, [makeRecord(org, one ?? "")]),
        async () => clock.advance(deadlineMs),
      ];
      for (const step of steps) {
        await opened.restart();
        await step();
      }
      await opened.restart();
      const state = await ledger.inspect(org);
      expect(state?.windows.filter(({ held }) => held !== 0)).toEqual([]);
      // Four were settled; the fifth that the closing reported ran, or may have.
      expect(await findWindow(opened, "requestsPerDay")).toEqual([9_994, 0, 6]);
      expect(await findWindow(opened, "tokensPerDay")).toEqual([999_850, 0, 150]);
      expect(await opened.usage()).toHaveLength(5);
    });

    test("hostile terms are refused by name, with the whole batch, and change nothing", async () => {
      const opened = await openWith(open, plenty);
      const { ledger, org } = opened;
      const grant = await openLease(opened);
      const before = await ledger.inspect(org);
      const hostile: [object, string][] = [
        [{ lease: "__proto__" }, "leased.lease"],
        [{ key: `${keyId(org, 1)}\n` }, "leased.key"],
        [{ lineage: "org" }, "leased.lineage"],
        [{ promptTokens: -1 }, "leased.promptTokens"],
        [{ completionTokens: 1e9, choices: 2 }, "tokens"],
        [{ choices: 0.5 }, "leased.choices"],
        [{ admittedAtMs: Number.NaN }, "leased.admittedAtMs"],
        [{ expiresAtMs: Infinity }, "leased.expiresAtMs"],
        [{ endpoint: "nowhere" }, "leased.endpoint"],
        [{ price: { promptMicrosPerMTok: 2 ** 53, completionMicrosPerMTok: 0 } }, "rice"],
        [{ hold: freshHold() }, "leased"],
      ];
      for (const [terms, field] of hostile) {
        const record = makeLeased(grant, { terms });
        await expect(ledger.settle(org, [makeLeased(grant), record])).rejects.toThrow(field);
        await expect(ledger.release(org, record.hold, false, makeTerms(grant, terms))).rejects.toThrow(field);
      }
      expect(await ledger.inspect(org)).toEqual(before);
      expect(await opened.usage()).toEqual([]);
    });
  });
}

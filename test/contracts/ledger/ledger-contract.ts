import { describe, expect, test } from "vitest";
import {
  makeRequest,
  granted,
  noon,
  orgRecord,
  makeRecord,
  openWith,
  findWindow,
  fill,
  type OpenLedger,
} from "./ledger-fixtures.ts";
import { checkAgainstModel } from "./ledger-commands.ts";
import { ledgerBatches } from "./promises/batches.ts";
import { ledgerEnds } from "./promises/ends.ts";
import { ledgerKeys } from "./promises/keys.ts";
import { ledgerLeasedCalls } from "./promises/leased-calls.ts";
import { ledgerLeases } from "./promises/leases.ts";
import { ledgerLeaving } from "./promises/leaving.ts";
import { ledgerLineage } from "./promises/lineage.ts";
import { ledgerOverHold } from "./promises/over-hold.ts";
import { ledgerProjects } from "./promises/projects.ts";
import { ledgerWaiting } from "./promises/waiting.ts";
import { ledgerWindows } from "./promises/windows.ts";

const day = 24 * 60 * 60_000;

/** Every promise of `Ledger`, for any adapter that keeps it. `runs` bounds the model runs. */
export function ledgerContract(name: string, open: OpenLedger, runs: { numRuns: number; maxCommands: number }): void {
  ledgerKeys(name, open);
  ledgerWindows(name, open);
  ledgerEnds(name, open);
  ledgerOverHold(name, open);

  describe(`${name}: idempotency`, () => {
    const first = { key: "a".repeat(64), body: "b".repeat(64) };

    test("in progress, replayed, mismatch; free again after a release and after 24 hours", async () => {
      const opened = await openWith(open, {});
      const { ledger, org, clock } = opened;
      const again = (idempotency = first) => ledger.admit(makeRequest(org, { idempotency }));
      const { hold } = granted(await again());
      expect(await again()).toEqual({ kind: "denial", reason: "idempotency_in_progress", retryAfterMs: 1_000 });
      expect(await again({ ...first, body: "c".repeat(64) })).toEqual({
        kind: "denial",
        reason: "idempotency_mismatch",
      });
      await opened.restart();
      await ledger.release(org, hold);
      const second = granted(await again());
      await ledger.settle(org, [makeRecord(org, second.hold, { responseId: "chatcmpl-9", completionTokens: 4 })]);
      await opened.restart();
      const replayed = { hold: second.hold, responseId: "chatcmpl-9", promptTokens: 10, completionTokens: 4 };
      clock.set(noon + day - 1);
      expect(await again()).toEqual({ kind: "denial", reason: "idempotency_replayed", first: replayed });
      clock.set(noon + day);
      granted(await again());
    });

    test("of a thousand retries at once one runs", async () => {
      const { ledger, org } = await openWith(open, {});
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () => ledger.admit(makeRequest(org, { idempotency: first }))),
      );
      expect(answers.filter(({ kind }) => kind === "grant")).toHaveLength(1);
    });
  });

  ledgerBatches(name, open);
  ledgerLineage(name, open);
  ledgerProjects(name, open);
  ledgerLeaving(name, open);
  ledgerLeases(name, open);
  ledgerLeasedCalls(name, open);
  ledgerWaiting(name, open);

  describe(`${name}: hostile values`, () => {
    test("nothing but a plain non-negative integer is accepted anywhere, and a refusal changes nothing", async () => {
      const opened = await openWith(open, { tokensPerDay: 1_000 });
      const { ledger, org } = opened;
      const [hold = ""] = await fill(opened, 1);
      const before = await ledger.inspect(org);
      await expect(ledger.admit(makeRequest(org, { promptTokens: Number.NaN }))).rejects.toThrow("promptTokens");
      await expect(ledger.admit(makeRequest(org, { key: "__proto__" }))).rejects.toThrow("key");
      await expect(
        ledger.settle(org, [makeRecord(org, hold), makeRecord(org, hold, { completionTokens: -1 })]),
      ).rejects.toThrow("completionTokens");
      await expect(ledger.release(org, "constructor")).rejects.toThrow("hold");
      await expect(ledger.publish({ ...orgRecord(org, { tokensPerDay: -5 }), version: 9 })).rejects.toThrow(
        "tokensPerDay",
      );
      expect(await ledger.inspect(org)).toEqual(before);
    });

    test("a hold is granted once: a second request for it throws, and nothing is held twice", async () => {
      const opened = await openWith(open, { tokensPerDay: 1_000 });
      const request = makeRequest(opened.org);
      granted(await opened.ledger.admit(request));
      await expect(opened.ledger.admit(request)).rejects.toThrow();
      expect(await findWindow(opened, "tokensPerDay")).toEqual([970, 30, 0]);
    });
  });

  describe(`${name}: model`, () => {
    test("any sequence of commands answers as a brute-force model does, in every window and to the ms", async () => {
      expect(await checkAgainstModel(open, runs)).toBeGreaterThan(runs.numRuns);
    }, 180_000);
  });
}

import { expect, test } from "vitest";
import { inspect, publish } from "../../../edge/admission/publish.ts";
import { emptyState } from "../../../edge/admission/state.ts";
import { freshOrg, keyRecord, noon, orgRecord } from "../../contracts/ledger-fixtures.ts";

const org = freshOrg();

test("a record comes into a new state; the old one is as it was", () => {
  const state = emptyState();
  const after = publish(state, orgRecord(org, {}, 3));
  expect([state.org, after?.org?.version]).toEqual([null, 3]);
});

test("of two versions the higher stays in force, whichever comes last; the same one may come again", () => {
  const state = publish(emptyState(), keyRecord(org, 1, { version: 3 }))!;
  expect(publish(state, keyRecord(org, 1, { version: 2 }))).toBeNull();
  expect(publish(state, keyRecord(org, 1, { version: 3, isRevoked: true }))?.keys).toMatchObject({ [keyRecord(org, 1).id]: { isRevoked: true } });
});

test("a malformed record, or one of another org, throws and names what is wrong", () => {
  const state = publish(emptyState(), keyRecord(org, 1))!;
  expect(() => publish(state, orgRecord(freshOrg(), {}))).toThrow("another org");
  expect(() => publish(state, keyRecord(org, 1, { digest: "short" }))).toThrow("'digest'");
  expect(() => publish(state, { ...keyRecord(org, 1), isAdmin: true } as never)).toThrow("not acceptable");
});

test("an inspection shows every window of the org, limited or not, and a key's limited ones", () => {
  const state = publish(publish(emptyState(), orgRecord(org, { requestsPerDay: 5 }))!, keyRecord(org, 1, { limits: { concurrency: 2, tokensPerDay: null } }))!;
  const shown = inspect(state, noon, 4);
  expect(shown).toMatchObject({ org, atMs: noon, outboxRows: 4, openHolds: [] });
  expect(shown?.windows).toHaveLength(9);
  expect(shown?.windows.find(({ window }) => window === "requestsPerDay")).toEqual({ window: "requestsPerDay", of: "org", limit: 5, remaining: 5, held: 0, settled: 0, resetAtMs: null });
  expect(shown?.windows.at(-1)).toMatchObject({ window: "concurrency", of: keyRecord(org, 1).id, limit: 2 });
  expect(inspect(emptyState(), noon, 0)).toBeNull();
});

import { assert, integer, nat, property, record, string, uniqueArray } from "fast-check";
import { describe, expect, it } from "vitest";
import { cutPage, Expiry, createJsonColumn, Name, pageFields, QueryInstant } from "#edge/control/http/fields.ts";
import { z } from "zod";

describe("Name", () => {
  it("accepts what it answers, unchanged", () => {
    assert(
      property(string({ unit: "binary", maxLength: 120 }), (text) => {
        const first = Name.safeParse(text);
        if (!first.success) return;
        expect(Name.parse(first.data)).toBe(first.data);
        const chars = Array.from(first.data).length;
        expect(chars).toBeGreaterThan(0);
        expect(chars).toBeLessThanOrEqual(100);
        expect(first.data).not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });
});

describe("moments", () => {
  it("are read to the millisecond in every form", () => {
    assert(
      property(integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
        const text = new Date(ms).toISOString();
        expect([
          Expiry.parse(ms),
          Expiry.parse(text),
          QueryInstant.parse(String(ms)),
          QueryInstant.parse(text),
        ]).toEqual([ms, ms, ms, ms]);
      }),
    );
  });

  it("are nothing else", () => {
    for (const hostile of [
      NaN,
      Infinity,
      -1,
      -0.5,
      1e300,
      "1e3",
      "NaN",
      "",
      " 1",
      {},
      [1],
      true,
      "2026-02-30T00:00:00Z",
      "2026-11-01T24:00:00Z",
      "253402300800000",
      "9999-12-31T23:59:59-14:00",
    ]) {
      expect([hostile, Expiry.safeParse(hostile).success, QueryInstant.safeParse(hostile).success]).toEqual([
        hostile,
        false,
        false,
      ]);
    }
  });
});

describe("pages", () => {
  it("hand every row over once, whatever the page's size", () => {
    const rowsOf = uniqueArray(record({ ms: nat({ max: 3 }), id: nat({ max: 999 }).map((n) => `key_${n}`) }), {
      selector: ({ ms, id }) => `${ms}.${id}`,
    });
    assert(
      property(rowsOf, integer({ min: 1, max: 5 }), (rows, limit) => {
        const newest = rows.toSorted((a, b) => b.ms - a.ms || (a.id < b.id ? 1 : -1));
        const seen: unknown[] = [];
        let rest = newest;
        for (;;) {
          const page = cutPage(rest.slice(0, limit + 1), limit, (row) => row);
          seen.push(...page.rows);
          if (page.nextCursor === null) break;
          const place = pageFields.cursor.parse(page.nextCursor);
          expect(place).toBeDefined();
          rest = newest.filter((row) => place && (row.ms < place.ms || (row.ms === place.ms && row.id < place.id)));
        }
        expect(seen).toEqual(newest);
      }),
    );
  });
});

describe("jsonColumn", () => {
  it("reads a column and refuses what does not fit", () => {
    expect(createJsonColumn(z.array(z.int())).parse("[1]")).toEqual([1]);
    expect(createJsonColumn(z.array(z.int())).safeParse('["1"]').success).toBe(false);
  });
});

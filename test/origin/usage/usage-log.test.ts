import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { openUsageLog } from "#origin/usage/usage-log.ts";
import { buildRecord as record } from "#test/support/fakes/origin.ts";

const newDirectory = () => join(mkdtempSync(join(tmpdir(), "usage-")), "usage");
const quiet = () => {};
const open = (directory: string, segmentBytesMax = 1024 * 1024, events: string[] = []) =>
  openUsageLog(directory, segmentBytesMax, (event) => void events.push(event));
const segments = (directory: string) => readdirSync(directory).filter((name) => /^\d{8}\.jsonl$/.test(name));

describe("the usage log", () => {
  test("gives back what was written, in order, until it is acknowledged", () => {
    const directory = newDirectory();
    const log = open(directory);
    const records = [record(), record(), record()];
    for (const one of records) log.append(one);
    const first = log.peek(2);
    expect(first.records).toEqual(records.slice(0, 2));
    expect(log.peek(2)).toEqual(first);
    log.acknowledge(first.mark);
    expect(log.peek(64).records).toEqual(records.slice(2));
    log.close();
  });

  test("after a crash it begins where the edge left off", () => {
    const directory = newDirectory();
    const log = open(directory);
    const records = [record(), record(), record()];
    for (const one of records) log.append(one);
    log.acknowledge(log.peek(1).mark);
    const after = open(directory);
    expect(after.peek(64).records).toEqual(records.slice(1));
    after.append(record({ model: "new" }));
    expect(after.peek(64).records).toHaveLength(3);
    log.close();
    after.close();
  });

  test("a torn last line is cut off wherever it was torn, and nothing else is lost", () => {
    const line = `${JSON.stringify(record())}\n`;
    for (const kept of [1, 10, line.length - 2, line.length - 1]) {
      const directory = newDirectory();
      const log = open(directory);
      const whole = record();
      log.append(whole);
      log.close();
      appendFileSync(join(directory, "00000001.jsonl"), line.slice(0, kept));
      const events: string[] = [];
      const after = open(directory, 1024 * 1024, events);
      expect(events).toEqual(["usage_log_torn"]);
      const next = record();
      after.append(next);
      expect(after.peek(64).records).toEqual([whole, next]);
      after.close();
    }
  });

  test("a damaged line is kept aside and the queue goes on", () => {
    const directory = newDirectory();
    const log = open(directory);
    log.append(record());
    log.close();
    appendFileSync(join(directory, "00000001.jsonl"), 'not json\n{"hold":"x"}\n');
    const events: string[] = [];
    const after = open(directory, 1024 * 1024, events);
    after.append(record());
    expect(after.peek(64).records).toHaveLength(2);
    expect(events).toEqual(["usage_line_unreadable", "usage_line_unreadable"]);
    expect(readFileSync(join(directory, "unreadable.jsonl"), "utf8").split("\n")).toHaveLength(3);
    after.close();
  });

  test("a lost or damaged mark means that everything is sent again, never that something is skipped", () => {
    for (const text of ["", "{", '{"segment":1}', '{"segment":"1","offset":0}', "null"]) {
      const directory = newDirectory();
      const log = open(directory);
      log.append(record());
      log.acknowledge(log.peek(64).mark);
      log.close();
      writeFileSync(join(directory, "acknowledged.json"), text);
      const after = open(directory);
      expect(after.peek(64).records).toHaveLength(1);
      after.close();
    }
  });

  test("full segments are closed, and deleted once all of them is acknowledged", () => {
    const directory = newDirectory();
    const log = open(directory, 1_024);
    const records = Array.from({ length: 40 }, () => record());
    for (const one of records) log.append(one);
    expect(segments(directory).length).toBeGreaterThan(5);
    const seen: UsageRecord[] = [];
    while (log.backlogBytes > 0) {
      const { records: batch, mark } = log.peek(7);
      seen.push(...batch);
      log.acknowledge(mark);
    }
    expect(seen).toEqual(records);
    expect(segments(directory)).toHaveLength(1);
    expect(log.peek(64).records).toEqual([]);
    log.close();
  });

  test("any mix of writes, acknowledgements and crashes gives every record at least once, in order", () => {
    const step = fc.oneof(fc.constant("write"), fc.constant("acknowledge"), fc.constant("crash"), fc.constant("tear"));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const directory = newDirectory();
        let log = openUsageLog(directory, 1_024, quiet);
        const written: string[] = [];
        const seen = new Set<string>();
        for (const move of steps) {
          if (move === "write") {
            const next = record();
            written.push(next.hold);
            log.append(next);
          } else if (move === "acknowledge") {
            const { records, mark } = log.peek(5);
            for (const { hold } of records) seen.add(hold);
            log.acknowledge(mark);
          } else {
            log.close();
            const last = segments(directory).toSorted().at(-1);
            if (move === "tear" && last) appendFileSync(join(directory, last), '{"hold":"hold_');
            log = openUsageLog(directory, 1_024, quiet);
          }
        }
        while (log.backlogBytes > 0) {
          const { records, mark } = log.peek(64);
          for (const { hold } of records) seen.add(hold);
          log.acknowledge(mark);
        }
        log.close();
        expect([...seen]).toEqual(written);
      }),
      { numRuns: 40 },
    );
  });

  test("a mark beyond a log that a power cut shortened is forgotten for good, not until new records outgrow it", () => {
    const directory = newDirectory();
    const log = open(directory);
    for (let at = 0; at < 4; at++) log.append(record());
    log.acknowledge(log.peek(64).mark);
    log.close();
    truncateSync(join(directory, "00000001.jsonl"), 0);
    const shortened = open(directory);
    const records = Array.from({ length: 8 }, () => record());
    for (const one of records) shortened.append(one);
    shortened.close();
    const after = open(directory);
    expect(after.peek(64).records).toEqual(records);
    after.close();
  });

  test("once closed it writes nothing, whatever has its file's number by then", () => {
    const directory = newDirectory();
    const log = open(directory);
    log.close();
    const path = join(directory, "other");
    const other = openSync(path, "w");
    expect(() => log.append(record())).toThrow("closed");
    expect(readFileSync(path, "utf8")).toBe("");
    closeSync(other);
  });

  test("records set aside are kept for a person, and nobody else may read the directory", () => {
    const directory = newDirectory();
    const log = open(directory);
    log.setAside([record()]);
    expect(existsSync(join(directory, "refused.jsonl"))).toBe(true);
    expect(statSync(directory).mode & 0o077).toBe(0);
    log.close();
  });
});

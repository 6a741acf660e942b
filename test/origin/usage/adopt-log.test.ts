import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { adoptUsageLog } from "#origin/usage/adopt-log.ts";
import { openUsageLog } from "#origin/usage/usage-log.ts";
import { buildRecord } from "#test/support/fakes/origin.ts";

const open = (path: string) => openUsageLog(path, 1_024, () => {});
const newFolder = () => mkdtempSync(join(tmpdir(), "adopt-"));

function append(path: string, count: number): string[] {
  const log = open(path);
  const records = Array.from({ length: count }, () => buildRecord());
  for (const record of records) log.append(record);
  log.close();
  return records.map(({ hold }) => hold);
}

function readHolds(path: string): string[] {
  const log = open(path);
  const holds: string[] = [];
  while (log.backlogBytes > 0) {
    const { records, mark } = log.peek(64);
    holds.push(...records.map(({ hold }) => hold));
    log.acknowledge(mark);
  }
  log.close();
  return holds;
}

test("a log under its old name keeps its records under the new one", () => {
  const folder = newFolder();
  const holds = append(join(folder, "old"), 200);
  adoptUsageLog(join(folder, "old"), join(folder, "new"), open);
  expect(existsSync(join(folder, "old"))).toBe(false);
  expect(readHolds(join(folder, "new"))).toEqual(holds);
});

test("records of both names are kept, over several segments, and are taken over once", () => {
  const folder = newFolder();
  const [oldPath, path] = [join(folder, "old"), join(folder, "new")];
  const later = append(path, 3);
  const earlier = append(oldPath, 200);
  adoptUsageLog(oldPath, path, open);
  adoptUsageLog(oldPath, path, open);
  expect(readHolds(path)).toEqual([...later, ...earlier]);
  expect(readHolds(oldPath)).toEqual([]);
});

test("without an old log nothing is made", () => {
  const folder = newFolder();
  adoptUsageLog(join(folder, "old"), join(folder, "new"), open);
  expect([existsSync(join(folder, "old")), existsSync(join(folder, "new"))]).toEqual([false, false]);
});

import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { takeStateDir } from "#origin/state-dir.ts";

test("a state directory belongs to one agent until that lets it go, and to its user alone", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "state-")), "new");
  const taken = await takeStateDir(path);
  expect(statSync(path).mode & 0o077).toBe(0);
  await expect(takeStateDir(`${path}/`)).rejects.toMatchObject({ name: "state_dir_in_use" });
  await taken.release();
  await (await takeStateDir(path)).release();
});

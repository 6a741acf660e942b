import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { sampleHostileTexts } from "#test/support/bounds/hostile-texts.ts";
import { countedTexts, digestTexts, familyNames, folder } from "#test/support/bounds/tokenizers.ts";

/**
 * Writes what Python's tokenizers count of 10,000 hostile texts, so that the tests know that their JavaScript counts
 * alike: `node infra/checks/tokenizers/count.ts PYTHON`, a Python that has `tokenizers` (see train.py).
 */
const texts = sampleHostileTexts(countedTexts.count, countedTexts.seed).map((text) => text.toWellFormed());
const { status, stdout } = spawnSync(
  process.argv[2] ?? "python3",
  ["infra/checks/tokenizers/count.py", ...familyNames],
  { input: JSON.stringify(texts), encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["pipe", "pipe", "inherit"] },
);
if (status !== 0) process.exit(1);
const counts: unknown = JSON.parse(stdout);
writeFileSync(`${folder}/counts.json`, `${JSON.stringify({ sha256: digestTexts(texts), counts })}\n`);

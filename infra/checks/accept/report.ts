import { existsSync, readFileSync } from "node:fs";
import { differences } from "#test/contracts/engine/engine-differences.ts";
import type { RunningEngine } from "./engines.ts";

/** How one vitest project ended. */
export interface Suite {
  name: string;
  isKept: boolean;
  groups: Group[];
}

interface Group {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  ms: number;
  failures: { title: string; why: string }[];
}

/** The part of vitest's JSON report that we read. */
interface VitestReport {
  testResults: {
    name: string;
    status: string;
    message?: string;
    startTime: number;
    endTime: number;
    assertionResults: { fullName: string; status: string; failureMessages?: string[] | null }[];
  }[];
}

/** Reads what vitest has written. A run that left no report, or an exit code, counts as failed. */
export function readSuite(name: string, file: string, code: number | null): Suite {
  if (!existsSync(file)) return { name, isKept: false, groups: [] };
  const report: VitestReport = JSON.parse(readFileSync(file, "utf8"));
  return { name, isKept: code === 0, groups: report.testResults.map(readGroup) };
}

function readGroup({
  name,
  status,
  message,
  startTime,
  endTime,
  assertionResults,
}: VitestReport["testResults"][number]): Group {
  const count = (...kinds: string[]) => assertionResults.filter((one) => kinds.includes(one.status)).length;
  const failures = assertionResults
    .filter((one) => one.status === "failed")
    .map((one) => ({ title: one.fullName, why: takeFirstLine(one.failureMessages?.[0]) }));
  if (status === "failed" && failures.length === 0)
    failures.push({ title: "the file itself", why: takeFirstLine(message) });
  return {
    file: name.replace(/^.*\/test\//, ""),
    passed: count("passed"),
    failed: failures.length,
    skipped: count("skipped", "pending", "todo", "disabled"),
    ms: endTime - startTime,
    failures,
  };
}

const takeFirstLine = (text = "") => text.split("\n")[0]?.slice(0, 200) ?? "";

/** The figures that tests recorded, in order. */
export function readFigures(file: string): [string, string][] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/**
 * The whole report: a table that can stand in README.md, figures, and what differs between a real vLLM and the
 * simulator.
 */
export function writeReport({
  suites,
  figures,
  version,
  engines,
}: {
  suites: Suite[];
  figures: [string, string][];
  version: string;
  engines: RunningEngine[];
}): string {
  const groups = suites.flatMap((suite) => suite.groups.map((group) => ({ suite: suite.name, ...group })));
  const sum = (pick: (group: Group) => number) => groups.reduce((total, group) => total + pick(group), 0);
  const rows = groups.map(
    (group) =>
      `| ${group.suite} | ${group.file} | ${group.passed} | ${group.failed} | ${group.skipped} | ` +
      `${(group.ms / 1_000).toFixed(1)} |`,
  );
  const failures = groups.flatMap((group) => group.failures.map(({ title, why }) => `- ${title}\n    ${why}`));
  const unreported = suites
    .filter((suite) => suite.groups.length === 0)
    .map(({ name }) => `- ${name}: no report; it did not run to its end`);
  const broken = [...unreported, ...failures];
  const seconds = (sum((group) => group.ms) / 1_000).toFixed(1);
  const totals = [sum((group) => group.passed), sum((group) => group.failed), sum((group) => group.skipped), seconds];
  const started = engines.map(({ kind, startedInS }) => `${kind} ${startedInS} s`).join(", ");
  return `
== ${new Date().toISOString().slice(0, 10)}: vLLM ${version}, Node ${process.versions.node}, started in: ${started}

| suite | file | kept | broken | left out | s |
|---|---|---|---|---|---|
${rows.join("\n")}
| all | | ${totals.join(" | ")} |

| figure | |
|---|---|
${figures.map(([figure, value]) => `| ${figure} | ${value} |`).join("\n")}

Where the simulator differs from vLLM (test/contracts/engine/engine-differences.ts, asserted by \`npm test\`):
${writeDifferences()}

${broken.length === 0 ? "Every promise was kept." : `Broken:\n${broken.join("\n")}`}
`;
}

function writeDifferences(): string {
  const reasons = new Map<string, string[]>();
  for (const { reason, promise } of differences)
    reasons.set(reason, [...(reasons.get(reason) ?? []), promise.replace(/^fixture /, "")]);
  return (
    Array.from(reasons, ([reason, promises]) => `- ${reason}: ${promises.join(", ")}`).join("\n") ||
    "- nowhere that we know of"
  );
}

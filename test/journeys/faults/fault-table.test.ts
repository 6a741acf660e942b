import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import {
  agentRows,
  allFaults,
  bindingRows,
  fleetRows,
  ledgerRows,
  portRows,
  table,
  type Dependency,
} from "./fault-table.ts";

/** The compiler holds the table to the interfaces; this does where tests run unchecked. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`${file} has no interface ${name}`);
  const inherited = found.heritageClauses?.length ? ["(inherited members)"] : [];
  return [...found.members.map((member) => member.name?.getText() ?? "?"), ...inherited].sort();
}

const rowsOf = (told: Record<string, readonly Dependency[] | string>) =>
  Object.values(told).flatMap((rows) => (typeof rows === "string" ? [] : rows));

describe("F1's table", () => {
  test("has a cell for each dependency and fault: what is told and billed, or why it cannot occur", () => {
    for (const [name, row] of Object.entries(table)) {
      expect(Object.keys(row).sort(), name).toEqual([...allFaults].sort());
      for (const cell of Object.values(row))
        expect("never" in cell ? cell.never.length > 20 : cell.told && cell.billed, name).toBeTruthy();
    }
  });

  test.each([
    ["edge/ports.ts", "Ports", portRows],
    ["edge/env.ts", "Env", bindingRows],
    ["edge/ledger/port.ts", "Ledger", ledgerRows],
    ["edge/fleet/port.ts", "Fleet", fleetRows],
  ])("%s: each member of %s has its rows, or a word on why it needs none", (file, name, told) => {
    expect(Object.keys(told).sort()).toEqual(membersOf(file, name));
    for (const [member, rows] of Object.entries(told)) expect(rows.length, member).toBeGreaterThan(0);
  });

  test("has no row that nothing stands on", () => {
    const named = new Set([...rowsOf(portRows), ...rowsOf(bindingRows), ...rowsOf(agentRows)]);
    expect(Object.keys(table).filter((row) => !named.has(row as Dependency))).toEqual([]);
  });

  test("is run: each row but those of which no cell can occur has its runner", () => {
    const runners = ["edge", "origin", "redis"]
      .map((part) => readFileSync(new URL(`../../support/faults/fault-${part}-rows.ts`, import.meta.url), "utf8"))
      .join("\n");
    for (const [name, row] of Object.entries(table)) {
      const canOccur = Object.values(row).some((cell) => "told" in cell);
      expect(runners.includes(`"${name}": `), name).toBe(canOccur);
    }
  });
});

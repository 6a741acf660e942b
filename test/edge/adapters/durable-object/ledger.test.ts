import { beforeAll, expect, test } from "vitest";
import { ledgerContract } from "../../../contracts/ledger-contract.ts";
import { askOf } from "../../../contracts/ledger-fixtures.ts";
import { insides, migrate, open, openWith } from "./ledger-world.ts";

beforeAll(migrate);

ledgerContract("durable-object ledger", open, { numRuns: 30, maxCommands: 80 });

test("what the object throws reaches the caller", async () => {
  const { ledger, org } = await openWith();
  await insides(org, (_, { storage }) => void storage.sql.exec("ALTER TABLE holds RENAME TO gone"));
  await expect(ledger.admit(askOf(org))).rejects.toThrow("no such table");
});

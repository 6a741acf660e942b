import { test } from "vitest";
import { checkLeaseModel } from "./lease-model.ts";

test(
  "several isolates, one ledger, one true time: no overshoot, no call after a revocation, nothing left over",
  () => checkLeaseModel(25),
  300_000,
);

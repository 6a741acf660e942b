/** Files whose promises are kept elsewhere, each with where: in a running Worker, or over a real D1. */
export const exemptFromMirror: Readonly<Record<string, string[]>> = {
  // Paths, request ids, CORS, who is counted by address, the one writer of errors.
  "edge/app.ts": [
    "test/journeys/callers/door.test.ts",
    "test/journeys/limits/ip-limit.test.ts",
    "test/journeys/callers/bad-input.test.ts",
    "test/journeys/callers/sdk.test.ts",
  ],
  // The order of the rooms; nothing is held for an address over its limit; what was held is given back when no node
  // answers; answers are stored on their way.
  "edge/pipeline.ts": [
    "test/journeys/limits/limits.test.ts",
    "test/journeys/limits/ip-limit.test.ts",
    "test/journeys/faults/failover.test.ts",
    "test/journeys/callers/sdk.test.ts",
    "test/journeys/callers/door.test.ts",
    "test/journeys/protocols/stored-responses.test.ts",
  ],
  // The same order for a tokenizer's answer: who may ask, what is counted, nothing on the bill.
  "edge/count-pipeline.ts": ["test/journeys/discovery/tokenizer.test.ts"],
  // What a key may ask for beside calls: models, tokens, stored responses.
  "edge/key-pipeline.ts": [
    "test/journeys/callers/sdk.test.ts",
    "test/journeys/callers/hidden-models.test.ts",
    "test/journeys/protocols/stored-responses.test.ts",
  ],
  // The entry: served over real HTTP, with the classes that it exports.
  "edge/worker.ts": ["test/journeys/callers/sdk.test.ts", "test/journeys/faults/crash.test.ts"],
  // Completed, cancelled and failed streams; early comments; whole answers, small and large; bounded memory.
  "edge/forwarding/answer.ts": [
    "test/journeys/faults/broken-streams.test.ts",
    "test/journeys/callers/slow-readers.test.ts",
    "test/journeys/callers/door.test.ts",
    "test/journeys/media/broken-media.test.ts",
  ],
  // Changes of keys and orgs, each with its entry, whoever comes at once, and what is undone.
  "edge/control/keys/commit-key.ts": [
    "test/edge/control/audit/commit.test.ts",
    "test/edge/control/keys/rotate-key.test.ts",
    "test/edge/control/http/publish.test.ts",
  ],
  "edge/control/orgs/commit-org.ts": [
    "test/edge/control/audit/commit.test.ts",
    "test/edge/control/http/publish.test.ts",
  ],
  // Every adapter at its place; a setting that is missing or malformed serves nothing.
  "edge/wiring.ts": [
    "test/journeys/callers/door.test.ts",
    "test/journeys/faults/crash.test.ts",
    "test/journeys/operators/keys.test.ts",
  ],
  // What is stored of budgets, and changed with its audit entry, in a real D1.
  "edge/control/budgets/budget.ts": ["test/edge/control/budgets/create-budget.test.ts"],
  "edge/control/budgets/commit-budget.ts": [
    "test/edge/control/budgets/create-budget.test.ts",
    "test/edge/control/budgets/change-budget.test.ts",
  ],
  "edge/control/budgets/queries.ts": [
    "test/edge/control/budgets/create-budget.test.ts",
    "test/edge/control/budgets/change-budget.test.ts",
  ],
  // A statement's sum, its order and its page are those of an org's month.
  "edge/control/costs/queries.ts": ["test/edge/control/costs/show-statement.test.ts"],
  "edge/control/costs/statement-page.ts": ["test/edge/control/costs/show-statement.test.ts"],
  // Versions of prices as they are stored and shown.
  "edge/control/prices/price.ts": ["test/edge/control/prices/set-price.test.ts"],
  "edge/control/prices/queries.ts": ["test/edge/control/prices/set-price.test.ts"],
  // A row as lists, exports and one call show it.
  "edge/control/usage/totals.ts": [
    "test/edge/control/usage/list-usage.test.ts",
    "test/edge/control/usage/export-usage.test.ts",
  ],
};

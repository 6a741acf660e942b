/** Files whose promises are kept elsewhere, each with where: they live only in a running Worker. */
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
  // Claims of one key by many at once, and what is forgotten.
  "edge/control/http/writes/queries.ts": ["test/edge/control/http/writes/idempotency.test.ts"],
  // Webhooks over the control API and a database: who may, what is sent, when, and where it may go.
  "edge/control/webhooks/webhook.ts": ["test/edge/control/webhooks/create-webhook.test.ts"],
  "edge/control/webhooks/queries.ts": [
    "test/edge/control/webhooks/create-webhook.test.ts",
    "test/edge/control/webhooks/rotate-webhook.test.ts",
  ],
  "edge/control/webhooks/deliveries/delivery.ts": ["test/edge/control/webhooks/deliveries/redeliver.test.ts"],
  "edge/control/webhooks/deliveries/queries.ts": ["test/edge/control/webhooks/deliveries/redeliver.test.ts"],
  "edge/control/webhooks/sending/attempt.ts": ["test/edge/control/webhooks/sending/deliver.test.ts"],
  "edge/control/webhooks/sending/body.ts": ["test/edge/control/webhooks/sending/deliver.test.ts"],
  "edge/control/webhooks/sending/queries.ts": ["test/edge/control/webhooks/sending/deliver.test.ts"],
  "edge/control/webhooks/sending/switch-off.ts": ["test/edge/control/webhooks/sending/deliver.test.ts"],
  "edge/control/webhooks/sending/tend.ts": ["test/edge/control/webhooks/sending/deliver.test.ts"],
  "edge/control/events/queries.ts": [
    "test/edge/control/events/list-events.test.ts",
    "test/edge/control/events/limit-reached.test.ts",
  ],
  // Reports of leaked keys: who is believed, what is revoked, what is told.
  "edge/control/leaks/report.ts": ["test/edge/control/http/leaks.test.ts"],
  "edge/control/leaks/revoke-leaked.ts": ["test/edge/control/http/leaks.test.ts"],
  // The web's adapters share one set of servers that misbehave.
  "edge/adapters/web/doh-resolver.ts": ["test/edge/adapters/web/webhook-sender.test.ts"],
  "edge/adapters/web/leak-keys.ts": ["test/edge/adapters/web/webhook-sender.test.ts"],
  "edge/adapters/web/read-capped.ts": ["test/edge/adapters/web/webhook-sender.test.ts"],
  // Every adapter at its place; a setting that is missing or malformed serves nothing.
  "edge/wiring.ts": [
    "test/journeys/callers/door.test.ts",
    "test/journeys/faults/crash.test.ts",
    "test/journeys/operators/keys.test.ts",
  ],
};

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
  "edge/control/keys/why-not.ts": [
    "test/edge/control/keys/create-key.test.ts",
    "test/edge/control/owners/check-owner.test.ts",
  ],
  "edge/control/orgs/commit-org.ts": [
    "test/edge/control/audit/commit.test.ts",
    "test/edge/control/publishing/publish.test.ts",
  ],
  "edge/control/publishing/publish-record.ts": ["test/edge/control/publishing/publish-left.test.ts"],
  "edge/control/publishing/queries.ts": ["test/edge/control/publishing/publish-left.test.ts"],
  // Claims of one key by many at once, and what is forgotten.
  "edge/control/http/writes/queries.ts": ["test/edge/control/http/writes/idempotency.test.ts"],
  // Roles, removal and leaving, with the keys that go; the last owner; two at once.
  "edge/control/members/commit-member.ts": [
    "test/edge/control/members/change-member.test.ts",
    "test/edge/control/members/remove-member.test.ts",
    "test/edge/control/members/leave-org.test.ts",
  ],
  "edge/control/members/change-queries.ts": [
    "test/edge/control/members/change-member.test.ts",
    "test/edge/control/members/remove-member.test.ts",
    "test/edge/control/members/leave-org.test.ts",
  ],
  // What people and their things look like in answers.
  "edge/control/members/member.ts": ["test/edge/control/members/list-members.test.ts"],
  "edge/control/invitations/invitation.ts": ["test/edge/control/invitations/create-invitation.test.ts"],
  "edge/control/invitations/mail-invitation.ts": ["test/edge/control/invitations/create-invitation.test.ts"],
  "edge/control/projects/project.ts": ["test/edge/control/projects/create-project.test.ts"],
  "edge/control/service-accounts/service-account.ts": [
    "test/edge/control/service-accounts/remove-service-account.test.ts",
  ],
  "edge/control/service-accounts/create-service-account.ts": [
    "test/edge/control/service-accounts/remove-service-account.test.ts",
  ],
  "edge/control/invitations/revoke-invitation.ts": ["test/edge/control/invitations/create-invitation.test.ts"],
  "edge/control/budgets/delete-budget.ts": ["test/edge/control/budgets/change-budget.test.ts"],
  "edge/control/orgs/close-queries.ts": ["test/edge/control/orgs/close-org.test.ts"],
  // OpenAI's admin API: who may what and what is refused as of all routes, and each resource by OpenAI's own SDK.
  "edge/control/openai-admin/routes.ts": [
    "test/edge/control/permissions.test.ts",
    "test/edge/control/http/routes.test.ts",
  ],
  "edge/control/openai-admin/projects/project.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/projects/projects.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/projects/service-account.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/keys/project-key.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/keys/admin-key.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/people/user.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/people/invite.ts": ["test/journeys/people/openai-admin.test.ts"],
  "edge/control/openai-admin/money/budget.ts": ["test/journeys/people/openai-admin.test.ts"],
  // Company logins over the control API and a database: who may, what is sealed, required and proven, who comes in.
  "edge/control/company-login/login.ts": ["test/edge/control/company-login/change-login.test.ts"],
  "edge/control/company-login/queries.ts": ["test/edge/control/company-login/change-login.test.ts"],
  "edge/control/company-login/domain-queries.ts": [
    "test/edge/control/company-login/prove-domain.test.ts",
    "test/edge/control/company-login/change-login.test.ts",
  ],
  "edge/control/company-login/proving.ts": [
    "test/edge/control/company-login/prove-domain.test.ts",
    "test/edge/control/sign-in/company/admit.test.ts",
  ],
  "edge/adapters/oidc/relying-party.ts": ["test/edge/adapters/oidc/oidc-client.test.ts"],
  "edge/control/sign-in/company/join.ts": ["test/edge/control/sign-in/company/admit.test.ts"],
  "edge/control/sign-in/company/queries.ts": [
    "test/edge/control/sign-in/company/admit.test.ts",
    "test/edge/control/sign-in/sign-up.test.ts",
  ],
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
  "edge/adapters/web/leak-keys.ts": ["test/edge/adapters/web/webhook-sender.test.ts"],
  "edge/adapters/web/read-capped.ts": ["test/edge/adapters/web/webhook-sender.test.ts"],
  // Every adapter at its place; a setting that is missing or malformed serves nothing.
  "edge/wiring/control.ts": ["test/journeys/people/sign-in.test.ts", "test/journeys/people/webhooks.test.ts"],
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
  "edge/control/budgets/alert-queries.ts": ["test/edge/control/budgets/mail-alerts.test.ts"],
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
  // Every flow of better-auth over its tables in D1; tokens stand there as digests.
  "edge/adapters/better-auth/database.ts": [
    "test/journeys/people/sign-in.test.ts",
    "test/journeys/people/second-factor.test.ts",
    "test/journeys/people/passkeys.test.ts",
    "test/journeys/people/outside.test.ts",
    "test/edge/control/sign-in/sessions.test.ts",
  ],
  // What it is set to: codes, second factors, passkeys that know their owner, issuers, cookies.
  "edge/adapters/better-auth/open-auth.ts": [
    "test/journeys/people/sign-in.test.ts",
    "test/journeys/people/second-factor.test.ts",
    "test/journeys/people/passkeys.test.ts",
    "test/journeys/people/outside.test.ts",
    "test/edge/control/sign-in/sessions.test.ts",
  ],
  // Each step, and how each refusal is told; an issuer that is down.
  "edge/adapters/better-auth/proofs.ts": [
    "test/journeys/people/sign-in.test.ts",
    "test/journeys/people/second-factor.test.ts",
    "test/journeys/people/passkeys.test.ts",
    "test/journeys/people/outside.test.ts",
  ],
  // In the bundle alone: an issuer by a name that no social provider has.
  "edge/adapters/better-auth/left-out/library-parts.ts": ["test/journeys/people/outside.test.ts"],
  // The forms of settings, each through a setting that has it.
  "edge/agreements/settings/forms.ts": ["test/edge/env.test.ts"],
  // Every endpoint is there, and none more.
  "edge/control/sign-in/routes.ts": ["test/journeys/people/sign-in.test.ts", "test/edge/doors/control.test.ts"],
  // Who is let in to which step.
  "edge/control/sign-in/step.ts": [
    "test/journeys/people/sign-in.test.ts",
    "test/journeys/people/second-factor.test.ts",
  ],
  // What answers look like.
  "edge/control/sign-in/answers.ts": ["test/journeys/people/sign-in.test.ts", "test/journeys/people/passkeys.test.ts"],
  // Sessions, passkeys and counts as D1 keeps them.
  "edge/control/sign-in/queries.ts": [
    "test/journeys/people/sign-in.test.ts",
    "test/journeys/people/passkeys.test.ts",
    "test/edge/control/sign-in/sessions.test.ts",
    "test/edge/control/sign-in/tries.test.ts",
  ],
  // Operators, made and unmade, in D1.
  "edge/control/operators/queries.ts": ["test/journeys/people/operators.test.ts"],
  // What the stand-in for ASN.1 reads into.
  "edge/adapters/better-auth/left-out/asn1-ecc.ts": ["test/edge/adapters/better-auth/left-out/asn1-schema.test.ts"],
  // What lives in a browser: requests, files, the session, the playground's calls, charts and clocks on a page.
  "edge/portal/api/client.ts": ["test/journeys/portal/session.test.ts", "test/journeys/portal/keys.test.ts"],
  "edge/portal/api/company-login.ts": ["test/journeys/portal/company-login.test.ts"],
  "edge/portal/api/download.ts": ["test/journeys/portal/audit.test.ts"],
  "edge/portal/api/lists.ts": ["test/journeys/portal/keys.test.ts", "test/journeys/portal/pages.test.ts"],
  "edge/portal/api/names.ts": ["test/journeys/portal/first-visit.test.ts"],
  "edge/portal/api/orgs.ts": ["test/journeys/portal/people/second-factor.test.ts"],
  "edge/portal/api/owners.ts": ["test/journeys/portal/people/by-mail.test.ts"],
  "edge/portal/api/playground.ts": ["test/journeys/portal/playground.test.ts"],
  "edge/portal/api/queries.ts": ["test/journeys/portal/keys.test.ts", "test/journeys/portal/pages.test.ts"],
  "edge/portal/api/session.ts": ["test/journeys/portal/session.test.ts"],
  "edge/portal/api/ways.ts": ["test/journeys/portal/session.test.ts"],
  "edge/portal/model/clock.ts": ["test/journeys/portal/keys.test.ts"],
  "edge/portal/model/target.ts": [
    "test/journeys/portal/session.test.ts",
    "test/journeys/portal/people/by-mail.test.ts",
  ],
  "edge/portal/model/theme.ts": ["test/journeys/portal/pages.test.ts"],
  "edge/portal/parts/chart/canvas.ts": ["test/journeys/portal/pages.test.ts"],
};

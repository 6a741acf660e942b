import { expect, test } from "vitest";
import { refusals } from "#edge/errors.ts";

test("docs/errors.md is the table of refusals (`npx vitest run test/docs.test.ts -u` writes it)", async () => {
  const rows = Object.entries(refusals).map(([code, { status, type, say }]) => `| ${status} | \`${type}\` | \`${code}\` | ${say} |`);
  const page = `# Errors

Every refusal has OpenAI's envelope, all four members, and an \`x-request-id\` header:

\`\`\`json
{ "error": { "message": "…", "type": "…", "param": null, "code": "…" } }
\`\`\`

| status | type | code | message, unless a field or window is named |
|---|---|---|---|
${rows.join("\n")}

- 401: \`www-authenticate: Bearer\`. Unknown, malformed, revoked and expired keys, and keys of suspended orgs, answer alike.
- 429: \`retry-after\` (whole seconds), \`retry-after-ms\`, \`x-ratelimit-{limit,remaining,reset}-{requests,tokens}\`. A quota (\`insufficient_quota\`) adds \`x-should-retry: false\`: OpenAI's SDKs then do not try again. An IP address over its limit is \`rate_limit_exceeded\` too, for any path and key; its message says so, and the numbers are left out where only the platform knows them.
- 409 \`idempotency_replayed\`: \`error.first_call\` holds the first call's \`id\`, \`hold\` and \`usage\`; its content is not kept.
- After the first byte of a stream there is no status left: the stream ends with \`data: {"error": …}\` and without \`[DONE]\`; OpenAI's SDKs throw on it.
- \`param\` is the path of the field at fault, such as \`messages[0].role\`.

This page is written from \`edge/errors.ts\` by \`test/docs.test.ts\`.
`;
  await expect(page).toMatchFileSnapshot("../docs/errors.md");
});

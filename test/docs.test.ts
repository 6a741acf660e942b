import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { refusals } from "#edge/errors.ts";
import {
  allFaults,
  rowWords,
  table,
  type Cell,
  type Dependency,
  type Never,
  type Told,
} from "./journeys/faults/fault-table.ts";

test("docs/errors.md is the table of refusals (`npx vitest run test/docs -u` writes it)", async () => {
  const rows = Object.entries(refusals).map(
    ([code, { status, type, message: say }]) => `| ${status} | \`${type}\` | \`${code}\` | ${say} |`,
  );
  const page = `# Errors

Every refusal, but those of other protocols (below), has OpenAI's envelope, all four members, and an
\`x-request-id\` header:

\`\`\`json
{ "error": { "message": "…", "type": "…", "param": null, "code": "…" } }
\`\`\`

| status | type | code | message, unless a field or window is named |
|---|---|---|---|
${rows.join("\n")}

- 401: \`www-authenticate: Bearer\`. Unknown, malformed, revoked and expired keys, and keys of suspended orgs, answer
  alike.
- 404 \`model_not_found\`: a model that is not there and one that the key may not use answer alike, at every door.
- 403 \`org_suspended\`: while an org is suspended, its admin keys may read, with GET and HEAD, and change nothing.
- 429: \`retry-after\` (whole seconds), \`retry-after-ms\`, \`x-ratelimit-{limit,remaining,reset}-{requests,tokens}\`. A
  quota (\`insufficient_quota\`), a call larger than its limit and a wait above a minute add \`x-should-retry: false\`:
  OpenAI's SDKs then do not try again. A minute's window never names more than 60,000 ms, the longest that they obey;
  it may open up to a second later, and whoever is back by then waits for that at the edge. An IP address over
  its limit is \`rate_limit_exceeded\` too, for any path and key; its message says so, and the numbers are left out
  where only the platform knows them.
- 429 for tokens and money: what is spent is \`insufficient_quota\`. Where a day or month is full only by what calls
  under way hold, it is \`rate_limit_exceeded\` with a hint of a second: what they do not use comes back when they
  end. A call larger than what is left hears what it needs, what is free, what is held, and what to do: a lower
  \`max_tokens\`, or \`x-penstock-clamp\`.
- 400 \`context_length_exceeded\`: in OpenAI's sentence, \`This model's maximum context length is …\`, with its numbers
  where somebody counted them; clients know it by these words.
- 504 \`gateway_timeout\` at a deadline that the caller set says so, with \`x-should-retry: false\`.
- 409 \`idempotency_replayed\`: \`error.first_call\` holds the first call's \`id\`, \`hold\` and \`usage\`; its content
  is not kept.
- After the first byte of a stream there is no status left: the stream ends with \`data: {"error": …}\` and without
  \`[DONE]\`; OpenAI's SDKs throw on it. One of \`/v1/responses\` ends with \`event: error\`, and \`response.failed\` in
  front of it where its node could say so.
- At \`/v1/messages\`, below it, and for whoever sends \`anthropic-version\` where no model is called, the envelope is
  Anthropic's, with \`param\` and \`code\` beside: \`{"type": "error", "error": {"type", "message"}, "request_id"}\`.
  Types: 401 \`authentication_error\`, 403 \`permission_error\`, 404 \`not_found_error\`, 409 \`conflict_error\`, 413
  \`request_too_large\`, 429 \`rate_limit_error\`, 504 \`timeout_error\`, other 4xx \`invalid_request_error\`, other
  5xx \`api_error\`; \`no_healthy_backends\` and \`server_is_overloaded\` are 529 \`overloaded_error\`. The id is in
  the header \`request-id\` too. A stream that broke ends with \`event: error\` and without \`message_stop\`.
- \`param\` is the path of the field at fault, such as \`messages[0].role\`.

This page is written from \`edge/errors.ts\` by \`test/docs.test.ts\`.
`;
  await expect(page).toMatchFileSnapshot("../docs/errors.md");
});

test("docs/api.md says what to do about every refusal, beside its status", () => {
  const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => /^\| \d{3} `/.test(line));
  const isTold = ([code, { status }]: [string, { status: number }]) =>
    rows.some((row) => row.startsWith(`| ${status} `) && row.includes(`\`${code}\``));
  expect(Object.entries(refusals).filter((refusal) => !isTold(refusal))).toEqual([]);
});

/** `ok`, or the status and the code; of a stream that had begun, the code of its last event. */
function toldInWords(told: Told): string {
  if (told === "ok") return "ok";
  const code = told.replace("event:", "") as keyof typeof refusals;
  return told.startsWith("event:") ? `event \`${code}\`` : `${refusals[code].status} \`${code}\``;
}

test("docs/failures.md is F1's table of faults (`npx vitest run test/docs -u` writes it)", async () => {
  const reasons: string[] = [];
  const noteOf = (reason: string) => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return `never (${reasons.indexOf(reason) + 1})`;
  };
  const inWords = (cell: Cell | Never) => {
    if ("never" in cell) return noteOf(cell.never);
    const billed =
      cell.billed === "nothing" || (cell.told === "ok" && cell.billed === "all") ? "" : `, billed ${cell.billed}`;
    return `${toldInWords(cell.told)}${billed}${cell.elsewhere ? "; one node: ok" : ""}`;
  };
  const rows = Object.entries(table).map(
    ([name, row]) =>
      `| \`${name}\` ${rowWords[name as Dependency]} | ${allFaults.map((fault) => inWords(row[fault])).join(" | ")} |`,
  );
  const page = `# What happens when something fails

Promise F1: each dependency of a call, times five ways to fail, and what the caller gets. Every cell is run
over real HTTP by \`test/journeys/faults/faults*.test.ts\`, with the fault at the binding or on the wire; after each,
nothing stays held, nothing is billed that was not made, errors have OpenAI's shape with an \`x-request-id\`, and no
word of what failed reaches the caller.

- **timeout**: it is done, or delivered, and no answer comes. **error**: it throws, or the connection is reset.
  **slow**: late, and right. **garbage**: a page of HTML, or no HTTP. **shape**: right in kind, and without what was
  asked for.
- A refusal bills nothing unless the cell says so; an ok of a call bills the call, once, though the bill may come late.
  "one node: ok": when only one node is at fault, another serves.
- "billed made": no less than the caller saw, no more than the engine sent. "made or nothing": the node's last report
  and the edge's release race, and the first counts.

| what fails | ${allFaults.join(" | ")} |
|---|---|---|---|---|---|
${rows.join("\n")}

${reasons.map((reason, index) => `${index + 1}. ${reason}.`).join("\n")}

- Control: a change that is answered 503 may be in D1, and is not in force; the same request once more brings it into
  force. A new key or org that was answered 503 is shown to nobody and can do nothing.
- Bounds: an org's ledger 8 s as a Durable Object and 250 ms in Redis (\`REDIS_WAIT_MS\`), D1 5 s for control and 10 s
  for the bill, the fleet object 2.5 s, an agent's post 10 s. A node that stands still is left a second after the call's
  deadline, 15 minutes unless the caller says less; a stream's headers are waited for 30 s, and then another node is
  tried.
- What a call held and could not give back is given back behind the answer, three times in 15 s, and after that by its
  deadline.

This page is written from \`test/journeys/faults/fault-table.ts\` by \`test/docs.test.ts\`.
`;
  await expect(page).toMatchFileSnapshot("../docs/failures.md");
});

import { expect, test } from "vitest";
import { nativeProtocols, questions } from "#infra/checks/accept/protocols/questions.ts";
import { differences, type Difference } from "#test/support/protocols/differences.ts";

const titles = { responses: "Responses", messages: "Messages" } as const;

const writeRow = ({ of, why }: Difference, row: string) =>
  `| ${row.replace(/^\S+( [^|]+?)?(?= \|)/, (path) => `\`${path}\``)} | ${of ? of.join("; ") : "all"} | ${why} |`;

const chapter = (protocol: (typeof nativeProtocols)[number]) =>
  [
    `## ${titles[protocol]}\n`,
    "| where | vLLM | Penstock | questions | why |",
    "|---|---|---|---|---|",
    ...differences
      .filter((one) => one.protocol === protocol)
      .flatMap((one) => one.rows.map((row) => writeRow(one, row))),
  ].join("\n");

const page = `# Where our Responses and Messages differ from vLLM's own

vLLM 0.32 serves \`/v1/responses\` and \`/v1/messages\` by itself. Penstock does not use them
([why](decisions/0019-one-road-for-every-protocol.md)): it asks a chat, and writes the answer in the caller's protocol.
${questions.length} questions, each whole and streamed, go to both, to the same vLLM, greedily. Every member of a whole
answer is compared; of a stream every event in its order, and its members. **What is not listed here is alike**: an
unlisted difference fails, and so does a listed one that is no longer there.

- \`npm run accept -- --only protocols\` asks a running vLLM, through edge and agent, and holds all that we say against
  the types that OpenAI and Anthropic publish with their Python SDKs, read strictly: no fault.
- \`npm test\` asks the recordings \`test/fixtures/vllm/*-native.json\`, which have the chat beneath each answer.
- Not compared: ids but for what they begin with, times, signatures, the words of an error, what a cache had (orgs have
  caches apart), and how a text is cut into deltas. Where a path begins with a type, such as \`message\`, it is so
  wherever such an object stands.
- The tiny model knows nothing of thinking: for the questions about thoughts a server counts what it says before
  "Together" as its thoughts (\`infra/checks/accept/thought-parser.py\`, a plugin of vLLM's).

${nativeProtocols.map(chapter).join("\n\n")}

This page is written from \`test/support/protocols/differences.ts\` by \`test/docs-protocols.test.ts\`.
`;

test("docs/protocol-differences.md lists every difference", async () => {
  await expect(page).toMatchFileSnapshot("../docs/protocol-differences.md");
});

test("no question has a name twice, and each one that a difference is of exists", () => {
  for (const protocol of nativeProtocols) {
    const names = questions.filter((one) => one.protocol === protocol).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const told = differences.filter((one) => one.protocol === protocol).flatMap(({ of = [] }) => of);
    expect(told.filter((name) => !names.includes(name))).toEqual([]);
  }
});

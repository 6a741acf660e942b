import { expect, test } from "vitest";
import { chapters } from "#test/support/metering/ways.ts";
import { mayStream } from "#test/support/metering/way.ts";
import type { Behaviour, Pays, Way } from "#test/support/metering/way.ts";

const pays: Record<Pays, string> = {
  all: "all",
  made: "made",
  begun: "made, once begun",
  prompt: "the prompt",
  checkpoint: "checkpoint",
  nothing: "nothing",
};

const list = (numbers: readonly number[]) =>
  numbers.length === 1 ? `${numbers[0]}` : `${numbers.slice(0, -1).join(", ")} or ${numbers.at(-1)}`;

function tellCaller(caller: Behaviour): string {
  if (caller.does === "reads") return "read to its end";
  if (caller.does === "leaves") return `left after ${list(caller.after)} events, or tokens of a whole answer`;
  if (caller.does === "leavesUnheard") return `left after ${list(caller.afterMs)} ms`;
  if (caller.does === "dawdles") return `${caller.after} events read, then none, then left`;
  if (caller.does === "repeats") return `sent ${caller.times} times`;
  if (caller.does === "returns") return `left after ${caller.after}, sent again twice`;
  if (caller.does === "crowds") return `sent ${caller.times} times at once`;
  return "read to its end";
}

const tellForms = ({ forms, path }: Way) =>
  mayStream(path) === false ? "" : forms.length === 2 ? "stream, whole" : String(forms[0]);

const chapter = ({ title, ways }: (typeof chapters)[number]) =>
  [
    `## ${title}\n`,
    "| a caller tries | as | the call is | pays | why |",
    "|---|---|---|---|---|",
    ...ways.map(
      (way) => `| ${way.name} | ${tellForms(way)} | ${tellCaller(way.caller)} | ${pays[way.pays]} | ${way.why} |`,
    ),
  ].join("\n");

const page = `# What a call costs, whatever its caller tries

Billed is made. Each way below is walked over the simulator by \`test/journeys/limits/metering.test.ts\`, and what a
real vLLM can do over one by \`npm run accept\`. "Made" is never the meter's own word: the simulator counts, for each
hold, the tokens whose event it has written whole to its agent; of vLLM it is the difference of its counters
\`vllm:prompt_tokens_total\` and \`vllm:generation_tokens_total\`. The lines of the bill, the ledger's counters in
every window and the cost must agree with it, and nothing may stay held.

- **all**: the prompt and every token. **made**: the prompt, and every token that the engine had put on the wire when
  the call ended. **made, once begun**: the same; nothing when the call ended before an engine had it.
- **the prompt**: nothing else, because nobody is told more. **checkpoint**: what the node had told last, less than 256
  tokens or 5 s behind. **nothing**: no line on the bill.
- Over the simulator all are equal to the token, but for a checkpoint. A real vLLM makes a little more than it sends:
  what its last step made when it was stopped is nobody's, so there billed is at most what was made, and less by no
  more than what it makes in a second.

${chapters.map(chapter).join("\n\n")}

## In units

Sound, pictures and, where the model's record says so, documents are billed by units
([0021](decisions/0021-units-that-are-not-tokens.md)); \`test/journeys/media\` walks these ways.

| a call | read to its end | left | its engine dies |
|---|---|---|---|
| transcription, translation | the engine's seconds; else the file's | the file's, once sent | another node's, or 0 |
| speech | the characters | the characters, once sent | 0 once it has begun, else another node's |
| images | those in the answer | 0 | another node's, or 0 |

This page is written from \`test/support/metering/\` by \`test/docs-metering.test.ts\`.
`;

test("docs/metering.md is the table of ways (`npx vitest run test/docs -u` writes it)", async () => {
  await expect(page).toMatchFileSnapshot("../docs/metering.md");
});

test("there are forty ways at least, and no two alike", () => {
  const ways = chapters.flatMap((one) => one.ways);
  expect(ways.length).toBeGreaterThanOrEqual(40);
  expect(new Set(ways.map(({ name }) => name)).size).toBe(ways.length);
  const asked = ways.map((way) => JSON.stringify({ ...way, name: "", why: "" }));
  expect(new Set(asked).size).toBe(ways.length);
});

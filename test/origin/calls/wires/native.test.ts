import { describe, expect, test } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { nativeProtocols, questions, type Question } from "#infra/checks/accept/protocols/questions.ts";
import { compareExchanges } from "#test/support/protocols/compare.ts";
import { DifferenceList } from "#test/support/protocols/differences.ts";
import type { Exchange } from "#test/support/protocols/exchange.ts";
import { readNative, type NativeExchange } from "#test/support/protocols/native.ts";
import { answerQuestion, refuseQuestion, translateQuestion, writeChatCall } from "#test/support/protocols/translate.ts";

/**
 * A real vLLM was asked each question at its own endpoint, and as the chat that the edge makes of it. What the agent
 * writes for that chat, or the edge in its place, must be what vLLM said, but for docs/protocol-differences.md.
 * `npm run accept -- --only protocols` asks the same of a running vLLM.
 */
const asked = questions.filter(({ isUnrecorded }) => !isUnrecorded);
const list = new DifferenceList();

function findRecorded({ protocol, name }: Question): NativeExchange {
  const recorded = readNative(protocol).exchanges.find((one) => one.name === name);
  if (!recorded) throw new RangeError(`record '${name}' anew: infra/checks/accept/protocols/record-native.ts`);
  return recorded;
}

test("every question is recorded as it is asked today, and nothing else", () => {
  for (const protocol of nativeProtocols) {
    const recorded = readNative(protocol).exchanges.map(({ name, body }) => ({ name, body }));
    const today = asked.filter((one) => one.protocol === protocol).map(({ name, body }) => ({ name, body }));
    expect(recorded).toEqual(JSON.parse(JSON.stringify(today)));
  }
});

describe("for a chat recorded beneath the agent writes what vLLM's own endpoint said:", () => {
  test.each(asked.filter(({ ends }) => ends === "answered"))("$protocol, $name", (question) => {
    const { protocol, name } = question;
    const { whole, stream, chat } = findRecorded(question);
    const translated = translateQuestion(question);
    // The chat that was asked is the one that the edge makes today.
    expect(chat?.body).toEqual(JSON.parse(JSON.stringify(writeChatCall(translated))));
    if (!chat) throw new Error("an answered question has a chat");
    const forms: [isStream: boolean, vllm: Exchange][] = [
      [false, whole],
      [true, stream],
    ];
    const unlisted = forms.flatMap(([isStream, vllm]) => {
      const ours = answerQuestion(translated, chat, { protocol, isStream });
      return list.findUnlisted(protocol, name, compareExchanges(protocol, vllm, ours));
    });
    expect(unlisted).toEqual([]);
  });
});

/** What only the engine finds at fault: the edge lets it through. */
const foundByEngine = ["a schema that is none"];

describe("what vLLM's own endpoint refuses the edge refuses in the protocol's words:", () => {
  test.each(asked.filter(({ ends }) => ends === "refused"))("$protocol, $name", (question) => {
    const { protocol, name } = question;
    const { whole, stream } = findRecorded(question);
    const ours = refuseQuestion(question);
    expect(ours === null).toBe(foundByEngine.includes(name));
    for (const vllm of ours ? [whole, stream] : [])
      expect(list.findUnlisted(protocol, name, compareExchanges(protocol, vllm, ours ?? vllm))).toEqual([]);
  });
});

test("the comparison finds each event that is missing, and each member of a whole answer", () => {
  for (const question of asked.filter(({ name }) => /^(plain text|a tool that must|thoughts, then)/.test(name))) {
    const { protocol } = question;
    const { chat } = findRecorded(question);
    const [whole, stream] = [false, true].map((isStream) =>
      answerQuestion(translateQuestion(question), chat ?? { status: 0, contentType: "" }, { protocol, isStream }),
    );
    if (!whole || !stream) throw new RangeError("both forms are written");
    expect(compareExchanges(protocol, whole, whole)).toEqual([]);
    expect(compareExchanges(protocol, stream, stream)).toEqual([]);
    const blocks = stream.blocks ?? [];
    for (const at of blocks.keys())
      expect(compareExchanges(protocol, stream, { ...stream, blocks: blocks.toSpliced(at, 1) })).not.toEqual([]);
    const answer: JsonObject = JSON.parse(whole.body ?? "");
    for (const name in answer) {
      const { [name]: _left, ...rest } = answer;
      expect(compareExchanges(protocol, whole, { ...whole, body: JSON.stringify(rest) })).not.toEqual([]);
    }
  }
});

test("each difference that is listed is still there", () => {
  expect(list.listUnmet(false)).toEqual([]);
});

import { writeFileSync } from "node:fs";
import { ask, type Exchange } from "#test/support/protocols/exchange.ts";
import { translateQuestion, writeChatCall } from "#test/support/protocols/translate.ts";
import { nativeProtocols, questions, type Question } from "./questions.ts";

/**
 * Writes test/fixtures/vllm/responses-native.json and messages-native.json anew from two running vLLMs (`serve.sh chat`
 * and `serve.sh think`): `node infra/checks/accept/protocols/record-native.ts CHAT-URL THINK-URL`. Each question goes
 * to vLLM's own endpoint, whole and as a stream, and then as the chat that Penstock makes of it, as our agent asks it.
 */
const [chatUrl = "", thinkUrl = ""] = process.argv.slice(2);

async function record(question: Question) {
  const { protocol, name, body, ends, isThought } = question;
  const url = isThought ? thinkUrl : chatUrl;
  const native = `${url}/v1/${protocol}`;
  const whole = await ask(native, body);
  const stream = await ask(native, { ...body, stream: true });
  if (ends === "refused") return { name, body, whole, stream };
  const chat = writeChatCall(translateQuestion(question));
  return { name, body, whole, stream, chat: { body: chat, ...(await ask(`${url}/v1/chat/completions`, chat)) } };
}

const { version }: { version: string } = JSON.parse(await (await fetch(`${chatUrl}/version`)).text());
for (const protocol of nativeProtocols) {
  const exchanges: { name: string; whole: Exchange; stream: Exchange }[] = [];
  for (const question of questions)
    if (question.protocol === protocol && !question.isUnrecorded) exchanges.push(await record(question));
  const lines = exchanges.map((exchange) => JSON.stringify(exchange)).join(",\n");
  const target = new URL(`../../../../test/fixtures/vllm/${protocol}-native.json`, import.meta.url);
  writeFileSync(target, `{"vllm":${JSON.stringify(version)},"exchanges":[\n${lines}\n]}\n`);
  console.log(`${exchanges.length} questions of ${protocol}`);
}

import { waysBroken, waysLeft, waysRefused } from "./ways-left.ts";
import { waysRead } from "./ways-read.ts";
import { waysOfMessages, waysOfOllama, waysOfRankers, waysOfResponses, waysOfTokenizers } from "./ways-doors.ts";
import type { Way } from "./way.ts";

/** The whole table, in the order of docs/metering.md. */
export const chapters: readonly { title: string; ways: readonly Way[] }[] = [
  { title: "Read to the end", ways: waysRead },
  { title: "Left, or out of time", ways: waysLeft },
  { title: "Sent twice, or refused", ways: waysRefused },
  { title: "By OpenAI's Responses API", ways: waysOfResponses },
  { title: "By Anthropic's Messages API", ways: waysOfMessages },
  { title: "By Ollama's API", ways: waysOfOllama },
  { title: "By rankers", ways: waysOfRankers },
  { title: "By tokenizers", ways: waysOfTokenizers },
  { title: "Broken", ways: waysBroken },
];

/** The ways by the doors of other clients. */
export const waysOfDoors: readonly Way[] = [
  ...waysOfResponses,
  ...waysOfMessages,
  ...waysOfOllama,
  ...waysOfRankers,
  ...waysOfTokenizers,
];

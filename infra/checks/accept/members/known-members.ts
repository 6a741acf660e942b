import { functionMembers, toolMembers } from "#edge/protocol/openai/members/chat.ts";
import type { MemberTable } from "#edge/protocol/openai/members/member.ts";
import {
  calledMembers,
  messageMembers,
  messageRoles,
  silentMembers,
  toolCallMembers,
} from "#edge/protocol/openai/members/messages.ts";
import { formatMembers, jsonSchemaMembers, structureMembers } from "#edge/protocol/openai/members/nested.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
import { formMembers, partMembers, partTypeNames, refusedPartTypes } from "#edge/protocol/openai/members/parts.ts";
import { streamOptions } from "#edge/protocol/openai/members/shared.ts";
import { formatTypes, outputsMembers } from "#edge/protocol/openai/members/structure/answer-form.ts";
import { chatFields, countFields } from "#origin/engines/tokenize.ts";
import type { enginePaths } from "./read-openapi.ts";

/** What our tables know of one place of a request. */
export interface KnownPlace {
  /** Members that go on, or in whose place the engine gets ours: what they hold is a place of its own. */
  names: readonly string[];
  /** Members that no engine gets, each with why. */
  withheld?: Readonly<Record<string, string>>;
  /** The fixed words that the place may be, where it is one of some kinds; those that are refused too. */
  values?: readonly string[];
  /** The table to which a new name is added. */
  where: string;
}

const folder = "edge/protocol/openai/members";

/** The body of each request. */
export const knownBodies: Readonly<Record<keyof typeof enginePaths, KnownPlace>> = {
  "chat.completions": ofTable(memberTables["chat.completions"], `chatMembers in ${folder}/chat.ts`),
  completions: ofTable(memberTables.completions, `completionsMembers in ${folder}/completions.ts`),
  embeddings: ofTable(memberTables.embeddings, `embeddingsMembers in ${folder}/embeddings.ts`),
  tokenize: {
    names: ["model", ...chatFields, ...countFields, "return_token_strs"],
    withheld: {
      chat_template: "No call has one.",
      media_io_kwargs: "No call has any.",
      mm_processor_kwargs: "No call has any.",
    },
    where: "chatFields in origin/engines/tokenize.ts",
  },
};

function ofTable(table: MemberTable, where: string): KnownPlace {
  const names = Object.keys(table).filter((name) => ["forwarded", "ours"].includes(table[name]?.fate ?? ""));
  const withheld = Object.entries(table).flatMap(([name, member]): [string, string][] => {
    if (member.fate === "refused") return [[name, member.instead]];
    return member.fate === "accepted" ? [[name, member.why]] : [];
  });
  return { names, withheld: Object.fromEntries(withheld), where };
}

const ofParts = `partTypes or refusedPartTypes in ${folder}/parts.ts`;
const ofMessages = `${folder}/messages.ts`;
const ofHarmony = "A message of Harmony's own form has no role, and is refused.";
const ofDeferred = "A tool left out of the prompt until it is searched for: nobody here searches.";
const ofBackend = "Chooses vLLM's compiler; an unknown name is refused there.";
const toolKinds = ["function"];

/** What stands inside a body, whatever the request; the path begins behind its name. */
export const knownPlaces: Readonly<Record<string, KnownPlace>> = {
  "messages[]": {
    names: messageMembers,
    withheld: {
      ...Object.fromEntries(silentMembers.map((name) => [name, "SDKs send it back, and no template reads it."])),
      tools: "Tools of a developer's message are not those of the call, which have bounds.",
      task: "A mark for one family's template.",
      author: ofHarmony,
      channel: ofHarmony,
      recipient: ofHarmony,
      content_type: ofHarmony,
    },
    where: `messageChecks in ${ofMessages}`,
  },
  "messages[].role": { names: [], values: messageRoles, where: `messageChecks in ${ofMessages}` },
  "messages[].content[]": {
    names: ["type", "uuid", ...partMembers],
    withheld: {
      ...Object.fromEntries(refusedPartTypes),
      data: "It is of parts of the type prompt_embeds.",
      name: "It is of parts of the type tool_reference.",
      closed: "It is of parts of the type thinking.",
      prompt_cache_breakpoint: "The engine's cache keeps what it has room for.",
    },
    where: ofParts,
  },
  "messages[].content[].type": {
    names: [],
    values: [...partTypeNames, ...refusedPartTypes.keys()],
    where: ofParts,
  },
  ...Object.fromEntries(
    Object.entries(formMembers).map(([member, names]): [string, KnownPlace] => [
      `messages[].content[].${member}`,
      { names, where: `formMembers in ${folder}/parts.ts` },
    ]),
  ),
  "messages[].tool_calls[]": {
    names: toolCallMembers,
    withheld: { custom: "A call of a custom tool; only functions are called." },
    where: `toolCallMembers in ${ofMessages}`,
  },
  "messages[].tool_calls[].type": {
    names: [],
    values: [...toolKinds, "custom"],
    where: `checkToolCall in ${ofMessages}`,
  },
  "messages[].tool_calls[].function": { names: calledMembers, where: `calledMembers in ${ofMessages}` },
  "tools[]": {
    names: toolMembers,
    withheld: { defer_loading: ofDeferred },
    where: `toolMembers in ${folder}/chat.ts`,
  },
  "tools[].type": { names: [], values: toolKinds, where: `keepTool in ${folder}/nested.ts` },
  "tools[].function": {
    names: functionMembers,
    withheld: { defer_loading: ofDeferred },
    where: `functionMembers in ${folder}/chat.ts`,
  },
  tool_choice: {
    names: ["type", "function"],
    values: ["none", "auto", "required"],
    where: `checkChosen in ${folder}/chat.ts`,
  },
  "tool_choice.type": { names: [], values: toolKinds, where: `keepChosen in ${folder}/nested.ts` },
  "tool_choice.function": { names: ["name"], where: `keepChosen in ${folder}/nested.ts` },
  stream_options: { names: Object.keys(streamOptions.shape), where: `streamOptions in ${folder}/shared.ts` },
  response_format: { names: formatMembers, where: `formatMembers in ${folder}/nested.ts` },
  "response_format.type": {
    names: [],
    values: formatTypes,
    where: `formatTypes in ${folder}/structure/answer-form.ts`,
  },
  "response_format.json_schema": { names: jsonSchemaMembers, where: `jsonSchemaMembers in ${folder}/nested.ts` },
  "response_format.structures[]": { names: structureMembers, where: `structureMembers in ${folder}/nested.ts` },
  structured_outputs: {
    names: outputsMembers,
    withheld: { _backend: ofBackend, _backend_was_auto: ofBackend },
    where: `kinds or options in ${folder}/structure/answer-form.ts`,
  },
};

/** Places whose values are never objects here: a check refuses each that an engine would take. */
export const closedPlaces: readonly string[] = ["input[]", "input[][]", "prompt[]"];

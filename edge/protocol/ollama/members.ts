import { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { logprobsMax, messagesMax, partsMax } from "../../limits.ts";
import { createCheckedSchema } from "../fields.ts";
import { chatMembers } from "../openai/members/chat.ts";
import { checkList, checkText } from "../openai/members/checks.ts";
import { accepted, describeMembers, orEmpty, ours, refused } from "../openai/members/member.ts";
import { modelMember } from "../openai/members/shared.ts";
import { checkImage, checkOllamaMessages, shownMessage, type OllamaMessage } from "./messages.ts";
import { misplacedOptions, optionMembers } from "./options.ts";

const anyObject = createCheckedSchema<JsonObject>((value) =>
  isObject(value) ? null : { path: [], message: "must be an object" },
);
const anyText = createCheckedSchema<string>(checkText(Number.MAX_SAFE_INTEGER));
const images = createCheckedSchema<string[]>(checkList(checkImage, partsMax));
const shown = { text: z.string(), images: z.array(z.string()).max(partsMax), anything: z.unknown() };

const stays = "Models stay loaded.";
const neverCut = "No prompt is cut: one that is too long is refused, and an answer ends where the context does.";

/** What chats and generations have in common. */
const generated = {
  model: modelMember,
  stream: ours(z.boolean(), "Send the answer as it is made; true unless set."),
  format: orEmpty({
    ...ours(
      createCheckedSchema<"json" | JsonObject>((value) =>
        value === "json" || isObject(value) ? null : { path: [], message: "must be 'json' or a JSON schema" },
      ),
      "The form of the answer: `json`, or JSON of a schema.",
    ),
    shown: z.union([z.literal("json"), z.looseObject({})]),
  }),
  options: orEmpty({
    ...ours(anyObject, "How tokens are chosen and where an answer ends."),
    shown: describeMembers(optionMembers),
  }),
  think: ours(
    z.union([z.boolean(), z.enum(["low", "medium", "high", "max"])]),
    "Whether to reason, or how long, where the model's template knows it.",
  ),
  logprobs: ours(z.boolean(), "Log-probabilities of the answer's tokens."),
  top_logprobs: ours(z.int().min(0).max(logprobsMax), "So many of them for each token; needs `logprobs`."),
  keep_alive: ours(
    z.union([z.string(), z.number()]),
    `${stays} With 0 and nothing to generate: \`unload\` is answered.`,
  ),
  truncate: accepted(neverCut),
  shift: accepted(neverCut),
  _debug_render_only: refused("the model's template is not shown"),
  ...misplacedOptions,
} as const;

/** The members of `POST /api/chat`. */
export const ollamaChatMembers = {
  ...generated,
  messages: {
    ...ours(createCheckedSchema<OllamaMessage[]>(checkOllamaMessages), "What was said so far; none only loads."),
    shown: z.array(shownMessage).max(messagesMax),
  },
  tools: orEmpty({ ...ours(shown.anything, chatMembers.tools.why), shown: chatMembers.tools.shown }),
} as const;

const asChat = "send it to /api/chat as a message";
/** The members of `POST /api/generate`. */
export const ollamaGenerateMembers = {
  ...generated,
  prompt: { ...ours(anyText, "What to answer; none, or an empty one, only loads."), shown: shown.text },
  system: orEmpty({ ...ours(anyText, "What stands before the prompt."), shown: shown.text }),
  images: orEmpty({ ...ours(images, "Pictures for the prompt, in base64."), shown: shown.images }),
  suffix: refused("use /v1/completions, with a model that fills in the middle"),
  template: refused("the model's own template is used"),
  raw: refused("use /v1/completions, which adds no template"),
  context: refused(asChat),
  width: refused("no model here makes pictures"),
  height: refused("no model here makes pictures"),
  steps: refused("no model here makes pictures"),
} as const;

const checkInputs = checkList(checkText(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
const inputs = createCheckedSchema<string | string[]>((value) => {
  if (typeof value === "string") return null;
  return Array.isArray(value) ? checkInputs(value) : { path: [], message: "must be a string or a list of strings" };
});

/** The members of `POST /api/embed`, and of the older `/api/embeddings`, which has a `prompt`. */
export const ollamaEmbedMembers = {
  model: modelMember,
  input: {
    ...ours(inputs, "What to embed: a text or texts; none only loads."),
    shown: z.union([z.string(), z.array(z.string())]),
  },
  prompt: { ...ours(anyText, "The same as `/api/embeddings` has it: a text."), shown: shown.text },
  truncate: ours(z.boolean(), "Cut each input to the model's context; true unless set."),
  dimensions: ours(
    z.int().min(0).max(65_536),
    "The length of an embedding, where the model can shorten it; 0 is not set.",
  ),
  options: accepted("They steer a runner, and change no embedding here."),
  keep_alive: ours(z.union([z.string(), z.number()]), stays),
} as const;

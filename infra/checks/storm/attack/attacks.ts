/** One way in which an org of plan Standard may try to have a node to itself. */
export interface Attack {
  name: string;
  path: string;
  body: Readonly<Record<string, unknown>>;
  /** Calls at once; the plan allows five. */
  atOnce: number;
  /** The answer is not read until the caller leaves. */
  isUnread?: boolean;
  /** What is sent is refused with 400, each time. */
  isRefused?: boolean;
}

const repeat = (count: number, text: string): string[] => Array.from({ length: count }, () => text);
const chat = (over: Record<string, unknown>) => ({
  model: "chat",
  messages: [{ role: "user", content: "Tell me everything." }],
  ignore_eos: true,
  ...over,
});
const sixtyFour = { model: "chat", n: 8, temperature: 1, ignore_eos: true, max_tokens: 250, prompt: repeat(8, "a") };

/** Row 1 of the security trial, as it was and as it may still be sent, and its siblings. */
export const attacks: readonly Attack[] = [
  { name: "2 × 64 sequences", path: "/v1/completions", body: sixtyFour, atOnce: 2 },
  { name: "5 × 64 sequences", path: "/v1/completions", body: sixtyFour, atOnce: 5 },
  {
    name: "2 × 16,320 sequences",
    path: "/v1/completions",
    body: { ...sixtyFour, prompt: repeat(2_040, "a") },
    atOnce: 2,
    isRefused: true,
  },
  // Short vectors: the simulator writes them in the thread that times everybody's steps, which no engine does.
  {
    name: "2,048 inputs",
    path: "/v1/embeddings",
    body: { model: "embed", input: repeat(2_048, "a"), dimensions: 16 },
    atOnce: 5,
  },
  {
    name: "choices × logprobs",
    path: "/v1/chat/completions",
    body: chat({ n: 8, logprobs: true, top_logprobs: 20, max_tokens: 400 }),
    atOnce: 5,
  },
  {
    name: "long prompts",
    path: "/v1/chat/completions",
    body: chat({ messages: [{ role: "user", content: "word after word ".repeat(5_000) }], max_tokens: 64 }),
    atOnce: 5,
  },
  {
    name: "slow readers, 8 choices",
    path: "/v1/chat/completions",
    body: chat({ n: 8, stream: true, max_tokens: 4_000 }),
    atOnce: 5,
    isUnread: true,
  },
];

export { answerStream, answerWhole } from "./answer.ts";
export { answerEarly } from "./early.ts";
export { openRetryBudget, type RetryBudget } from "./budget.ts";
export type { Answer, NoAnswer } from "./outcome.ts";
export { askTokenizer } from "./tokenizer/ask-tokenizer.ts";
export { countPrompt } from "./tokenizer/count-prompt.ts";
export type { HeldCall, Reserved } from "./held-call.ts";
export type { Origin } from "./origin.ts";
export { forward } from "./forward.ts";

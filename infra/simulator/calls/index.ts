export { readChat } from "./chat.ts";
export { ChatSerializer } from "./chat-serializer.ts";
export { CompletionSerializer, readCompletion } from "./completions.ts";
export { scorePairs } from "./ranking.ts";

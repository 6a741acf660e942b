import { callPaths, isChat, tokenizerPaths } from "../../agreements/paths.ts";
import { digestBody } from "../../agreements/digest.ts";
import { parseObject } from "../../agreements/json.ts";
import { boundUncounted } from "../../protocol/openai/bounds/chat.ts";
import type { Call } from "../../protocol/openai/call.ts";
import { refuseTimeout } from "../../protocol/openai/timeout.ts";
import type { Visit } from "../../visit.ts";
import { attempt } from "../attempt.ts";
import type { HeldCall } from "../held-call.ts";
import { buildHopTerms, signHop } from "../hop.ts";
import type { Origin } from "../origin.ts";

const tokenizeMsMax = 2_000;

/**
 * Requests the first node's token count of the prompt (`/tokenize`); null when it cannot be counted: several prompts,
 * images, documents. Throws where the call's own time ends meanwhile.
 */
export async function countPrompt(
  visit: Visit,
  { call, reserved, nodes: [node] }: Omit<HeldCall, "signal">,
  origin: Origin,
): Promise<number | null> {
  const request = buildTokenizeRequest(call);
  if (!node || !request) return null;
  const body = new TextEncoder().encode(JSON.stringify(request));
  const hop = signHop(buildHopTerms({ call, reserved }, node, 1, digestBody(body)), origin.nodeKeys, visit);
  const terms = {
    headersMsMax: tokenizeMsMax,
    deadlineMs: call.deadlineMs,
    endMs: visit.now() + tokenizeMsMax,
    contentType: "application/json",
    signal: null,
  } as const;
  const tried = await attempt(node, { path: tokenizerPaths.count, hop, body, ...terms }, origin.observer, visit);
  if (tried.kind === "no" && tried.isLate) throw refuseTimeout(call.timeout, tried.refusal.details);
  if (tried.kind === "no") return null;
  const answer = parseObject(await tried.response.text().catch(() => ""));
  tried.dispose();
  origin.observer.end(node.id);
  const count = answer?.["count"];
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 0) return null;
  // What the engine reads beside it, and does not count: nobody knows better than the bound (M2).
  return count + boundUncounted(call.body, call.model);
}

/** What the engine counts: exactly what it will read as the prompt of this endpoint. */
function buildTokenizeRequest(call: Call): Record<string, unknown> | null {
  const { model, messages, tools, documents, chat_template_kwargs } = call.body;
  if (isChat(call.path)) {
    return call.hasImages || documents !== undefined ? null : { model, messages, tools, chat_template_kwargs };
  }
  const { prompt: field } = callPaths[call.path];
  // What is ranked is read with another text beside it.
  const text = field === "prompt" || field === "input" ? call.body[field] : null;
  return typeof text === "string" ? { model, prompt: text } : null;
}

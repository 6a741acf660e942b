import { digestBody } from "../../agreements/digest.ts";
import { parseObject, type JsonObject } from "../../agreements/json.ts";
import type { NodeRecord } from "../../agreements/records/node.ts";
import { Refusal } from "../../errors.ts";
import { attemptsMax, tokenizerNodeMsMax } from "../../limits.ts";
import { refuseTimeout } from "../../protocol/openai/timeout.ts";
import type { TokenizerQuestion } from "../../protocol/tokenizer/question.ts";
import type { Visit } from "../../visit.ts";
import { attempt } from "../attempt.ts";
import type { HeldCall } from "../held-call.ts";
import { buildHopTerms, signHop } from "../hop.ts";
import type { Origin } from "../origin.ts";

/**
 * Asks the tokenizer of a call's model: of the best node, and where that fails of the next, three at most and within
 * the retry budget, as a call is tried. A node whose engine has no tokenizer leaves the question to the others. Throws
 * the last refusal; `no_healthy_backends` without any node.
 */
export async function askTokenizer(
  visit: Visit,
  { call, reserved, nodes }: Omit<HeldCall, "signal">,
  question: TokenizerQuestion,
  origin: Origin,
): Promise<JsonObject> {
  visit.phase = "headers";
  const body = new TextEncoder().encode(JSON.stringify(question.body));
  const bodySha256 = digestBody(body);
  origin.budget.countCall(visit.now());
  const { signal } = visit.request;
  let last: Refusal | null = null;
  for (const [index, node] of nodes.slice(0, attemptsMax).entries()) {
    const isFree = last === null || last.code === "unsupported_parameter";
    if (!isFree && !origin.budget.takeRetry(visit.now())) break;
    const hop = signHop(buildHopTerms({ call, reserved }, node, index + 1, bodySha256), origin.nodeKeys, visit);
    const { path } = question;
    const endMs = visit.now() + tokenizerNodeMsMax;
    const terms = { headersMsMax: tokenizerNodeMsMax, deadlineMs: call.deadlineMs, endMs, signal } as const;
    const upstream = { path, hop, body, contentType: "application/json", ...terms } as const;
    const tried = await attempt(node, upstream, origin.observer, visit);
    if (tried.kind === "answer") {
      const answer = await readAnswer(tried, node, origin);
      const written = answer && question.write(answer);
      if (written) return written;
      last = new Refusal("bad_gateway", { log: `${node.id}: no answer of a tokenizer` });
      continue;
    }
    last = tried.isLate ? refuseTimeout(call.timeout, tried.refusal.details) : tried.refusal;
    const isOver = !tried.mayRetry && last.code !== "unsupported_parameter";
    if (isOver || signal.aborted) break;
  }
  throw last ?? new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "no eligible node" });
}

async function readAnswer(
  { response, dispose }: { response: Response; dispose(): void },
  node: NodeRecord,
  origin: Origin,
): Promise<JsonObject | null> {
  const text = await response.text().catch(() => "");
  dispose();
  origin.observer.end(node.id);
  return parseObject(text);
}

import { isRecord } from "./text/schema.ts";
import { makeSetScript, type AnswerScript } from "./text/script.ts";

/**
 * What a chat is to answer: a text, which a chat without tools gets only if it `isForAnyChat`; or a call of one of the
 * tools that it offers.
 */
export type SetAnswer = { text: string; isForAnyChat?: boolean } | { tool: string; arguments: Record<string, unknown> };

/** Reads an answer from the body of `POST /sim/answers`; throws `RangeError` with what is wrong with it. */
export function readSetAnswer(value: unknown): SetAnswer {
  if (!isRecord(value)) throw new RangeError("an answer is an object");
  const { text, tool, arguments: given = {}, isForAnyChat } = value;
  if (typeof text === "string" && text !== "" && tool === undefined)
    return { text, ...(isForAnyChat === true && { isForAnyChat }) };
  if (typeof tool !== "string" || tool === "" || text !== undefined)
    throw new RangeError("an answer has a text or the name of a tool");
  if (!isRecord(given)) throw new RangeError("arguments must be an object");
  return { tool, arguments: given };
}

/**
 * Answers that chats get in the order in which they were set, so that a real agent can be led through a task. Each
 * goes to the next chat that offers tools, a call of a tool to the next that offers this one; all others are answered
 * as ever, titles and summaries, for instance, which agents ask for on the way.
 */
export class SetAnswers {
  #waiting: SetAnswer[] = [];

  add(answer: SetAnswer): void {
    this.#waiting.push(answer);
  }

  clear(): void {
    this.#waiting = [];
  }

  list(): readonly SetAnswer[] {
    return this.#waiting;
  }

  /** The script of the next answer, if this chat may have it; else null. */
  take({ tools }: Readonly<Record<string, unknown>>): AnswerScript | null {
    const [next] = this.#waiting;
    const offered = Array.isArray(tools) ? tools.filter(isRecord).map(({ function: made }) => made) : [];
    const isFit = (made: unknown) => next !== undefined && (!("tool" in next) || isNamed(made, next.tool));
    const isAnyones = next !== undefined && "text" in next && next.isForAnyChat === true;
    if (!next || !(isAnyones || offered.some(isFit))) return null;
    this.#waiting.shift();
    return makeSetScript(next);
  }
}

function isNamed(made: unknown, name: string): boolean {
  return isRecord(made) && made["name"] === name;
}

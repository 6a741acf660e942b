import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/** What came of one question: a body, or the blocks of a stream, each to its blank line. */
export interface Exchange {
  status: number;
  contentType: string;
  body?: string;
  blocks?: string[];
  /** The connection was closed before the answer had ended. */
  isCut?: boolean;
}

/** One event of a stream. */
export interface SentEvent {
  type: string;
  data: JsonObject;
}

/** Sends a question, and reads what comes to its end, whatever that is. */
export async function ask(url: string, body: JsonObject, headers: Record<string, string> = {}): Promise<Exchange> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const decoder = new TextDecoder();
  let text = "";
  let isCut = false;
  try {
    for await (const piece of response.body ?? []) text += decoder.decode(piece, { stream: true });
  } catch {
    isCut = true;
  }
  const contentType = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const told = contentType === "text/event-stream" ? { blocks: splitBlocks(text) } : { body: text };
  return { status: response.status, contentType, ...told, ...(isCut && { isCut }) };
}

function splitBlocks(text: string): string[] {
  return text.split(/(?<=\n\n)/).filter((block) => block.trim() !== "");
}

/** The events of a stream. Comments are none; `[DONE]`, and a stream's being cut off, are told as events too. */
export function listEvents({ blocks = [], isCut }: Exchange): SentEvent[] {
  const events = blocks.flatMap((block): SentEvent[] => {
    const line = block.split("\n").find((one) => one.startsWith("data:"));
    if (line === undefined) return [];
    const payload = line.slice("data:".length).trim();
    if (payload === "[DONE]") return [{ type: payload, data: {} }];
    const data: unknown = JSON.parse(payload);
    if (!isObject(data)) throw new Error(`no event: ${block}`);
    const type = String(data["type"]);
    const name = /^event: *(.*)$/m.exec(block)?.[1] ?? "none";
    return [{ type: name === type ? type : `${type} under the name ${name}`, data }];
  });
  return isCut ? [...events, { type: "the connection closes", data: {} }] : events;
}

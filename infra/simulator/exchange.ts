import type { IncomingMessage, ServerResponse } from "node:http";
import { parseBody } from "./calls/fields.ts";
import { EngineProblem, writeError, Problem, makeProblem, makeWrongMediaType } from "./problems.ts";

/** What vLLM itself says with this status: 401 is a string, the rest the envelope. */
export function statusBody(status: number): string {
  if (status === 401) return '{"error":"Unauthorized"}';
  const types: Record<number, string> = {
    400: "BadRequestError",
    404: "NotFoundError",
    429: "Too Many Requests",
    503: "Service Unavailable",
  };
  return writeError(status, "The simulator was told to fail.", types[status] ?? "InternalServerError", null);
}

/** Answers what was thrown: a problem as vLLM writes it, in a stream its first event; anything else is a 500. */
export function refuse(response: ServerResponse, cause: unknown, isStream = false) {
  if (response.destroyed || response.headersSent) return void response.destroy();
  if (cause instanceof EngineProblem && isStream)
    return void response
      .writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
      .end(`data: ${cause.event}\n\ndata: [DONE]\n\n`);
  if (cause instanceof Problem) return sendJson(response, cause.status, cause.body);
  sendJson(
    response,
    500,
    writeError(500, cause instanceof Error ? cause.message : "Internal server error", "InternalServerError", null),
  );
}

/** Sends a whole answer of JSON. */
export function sendJson(response: ServerResponse, status: number, json: string) {
  send(response, status, "application/json", json);
}

/** Sends a whole answer of this media type. */
export function send(response: ServerResponse, status: number, type: string, text: string) {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) }).end(text);
}

/** The request's JSON object. Throws vLLM's 400 for another media type or a body that is none. */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readBytes(request);
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") throw makeWrongMediaType();
  return parseBody(body.toString("utf8"));
}

/** The fields of a form, and its file as a `Buffer`. Throws FastAPI's 400 for a body that is none. */
export async function readForm(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = new Uint8Array(await readBytes(request));
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const form = await new Response(body, { headers }).formData().catch(() => null);
  if (!form) throw makeProblem("There was an error parsing the body");
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form.entries())
    fields[name] = typeof value === "string" ? value : Buffer.from(await value.arrayBuffer());
  return fields;
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

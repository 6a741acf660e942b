import createClient from "openapi-fetch";
import type { components, paths } from "#portal-types/open-api.d.ts";

/** What the API's document says of a thing, by the name that it has there. */
export type Shown<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** Why the API did not do it: `code` is for programs, `requestId` for whoever asks the operator about it. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;

  constructor(
    message: string,
    facts: { status: number; code: string; param: string | null; requestId: string | null },
  ) {
    super(message);
    this.name = "ApiFailure";
    this.status = facts.status;
    this.code = facts.code;
    this.param = facts.param;
    this.requestId = facts.requestId;
  }
}

/** What a request carries besides cookies, and who hears that it was not let in. The session sets both. */
export const credentials: { adminKey: string | null; onRefused: () => void } = {
  adminKey: null,
  onRefused: () => undefined,
};

/** The API, typed by its own document. */
export const api = createClient<paths>({ baseUrl: location.origin });

api.use({
  onRequest({ request }) {
    if (credentials.adminKey !== null) request.headers.set("authorization", `Bearer ${credentials.adminKey}`);
    // A write by session is taken as JSON alone, even when nothing has to be said.
    if (request.method !== "GET") request.headers.set("content-type", "application/json");
    return request;
  },
});

interface Answered<Answer> {
  data?: Answer;
  error?: unknown;
  response: Response;
}

/**
 * Waits for an answer of the API and returns what it holds; a refusal, a network that is down and an answer that is not
 * JSON throw an ApiFailure. Of a session that has ended, the session is told first.
 */
export async function ask<Answer>(sent: Promise<Answered<Answer>>): Promise<Answer> {
  const answered = await sent.catch((cause: unknown) => {
    throw readUnreachable(cause);
  });
  const { data, error, response } = answered;
  if (data !== undefined && response.ok) return data;
  const failure = readFailure(response, error);
  if (failure.status === 401) credentials.onRefused();
  throw failure;
}

/** What a refusal in OpenAI's envelope says; anything else becomes a failure with its status. */
export function readFailure(response: Response, body: unknown): ApiFailure {
  const requestId = response.headers.get("x-request-id");
  const error = isRecord(body) && isRecord(body["error"]) ? body["error"] : isRecord(body) ? body : {};
  const { message, code, param } = error;
  return new ApiFailure(typeof message === "string" ? message : `The gateway answered ${response.status}.`, {
    status: response.status,
    code: typeof code === "string" ? code : "unreadable",
    param: typeof param === "string" ? param : null,
    requestId,
  });
}

/** Is this the answer of a deployment that does not serve this, as sign-in where nobody set it up? */
export function isUnserved(failure: unknown): boolean {
  return failure instanceof ApiFailure && failure.code === "unknown_url";
}

function readUnreachable(cause: unknown): ApiFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ApiFailure(`The gateway could not be reached (${reason}).`, {
    status: 0,
    code: "unreachable",
    param: null,
    requestId: null,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

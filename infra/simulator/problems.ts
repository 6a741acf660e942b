/**
 * vLLM's refusal: a status and `{error: {message, type, param, code}}`, where `code` is the status as a number.
 */
export class Problem extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, message: string, type: string, param: string | null) {
    super(message);
    this.status = status;
    this.body = writeError(status, message, type, param);
  }
}

/** The envelope alone, as it also stands in an error event. */
export const writeError = (status: number, message: string, type: string, param: string | null): string =>
  JSON.stringify({ error: { message, type, param, code: status } });

/** A 400 that vLLM raises itself. With a `value`, vLLM appends both to the message. */
export function makeProblem(message: string, param: string | null = null, value?: string | number): Problem {
  if (param === null) return new Problem(400, message, "BadRequestError", null);
  const suffix = value === undefined ? "" : `, value=${value}`;
  return new Problem(400, `${message} (parameter=${param}${suffix})`, "BadRequestError", param);
}

/**
 * A 400 that the engine raises behind the API server. A stream has been answered 200 by then: there it is the first
 * event, and `[DONE]` the second.
 */
export class EngineProblem extends Problem {
  /** As Python's `json.dumps` writes it, which puts spaces where the rest of vLLM has none. */
  readonly event: string;

  constructor({ message, status, body }: Problem) {
    const { error }: { error: { type: string; param: string | null } } = JSON.parse(body);
    super(status, message, error.type, error.param);
    this.event =
      `{"error": {"message": ${JSON.stringify(message)}, "type": "${error.type}", "param": ` +
      `${JSON.stringify(error.param)}, "code": ${status}}}`;
  }
}

/** As `problem`, for what the engine finds: grammars, token ids, numbers of logprobs. */
export const makeEngineProblem = (
  message: string,
  param: string | null = null,
  value?: string | number,
): EngineProblem => new EngineProblem(makeProblem(message, param, value));

/** 404 for a model that is not served. For embeddings (`names` null) vLLM says less. */
export const makeUnknownModel = (model: string, names: readonly string[] | null): Problem =>
  new Problem(
    404,
    `The model \`${model}\` does not exist.${names ? ` Valid aliases: ${names.join(", ")}.` : ""}`,
    "NotFoundError",
    names ? "model" : null,
  );

/** 503 of the admission limit; retryable elsewhere. */
export const makeQueueFull = (): Problem =>
  new Problem(
    503,
    "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.",
    "Service Unavailable",
    null,
  );

/** One fault that pydantic finds in a body. */
export interface Flaw {
  type: string;
  loc: string;
  msg: string;
  input: unknown;
  ctx?: Record<string, string>;
}

/** The 400 of a body that does not validate; names the first field at fault. */
export function makeInvalid(flaws: readonly Flaw[]): Problem {
  const lines = flaws.map(({ type, loc, msg, input, ctx }) => {
    const tail = ctx
      ? `, 'ctx': {${Object.entries(ctx)
          .map(([key, value]) => `'${key}': ${writePythonText(value)}`)
          .join(", ")}}`
      : "";
    return (
      `\n  {'type': '${type}', 'loc': '${loc}', 'msg': ${writePythonText(msg)}, 'input': ` +
      `${writePythonText(describe(input))}${tail}}`
    );
  });
  const noun = flaws.length === 1 ? "error" : "errors";
  return new Problem(400, `${flaws.length} validation ${noun}:${lines.join("")}`, "Bad Request", flaws[0]?.loc ?? null);
}

/** The 400 for a body that does not call itself JSON. */
export const makeWrongMediaType = (): Problem =>
  new Problem(
    400,
    "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed",
    "Bad Request",
    null,
  );

/** Python's `repr` of a string. */
function writePythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll(quote, `\\${quote}`) + quote;
}

function describe(input: unknown): string {
  if (Array.isArray(input)) return `<list of ${input.length} items>`;
  if (typeof input === "object" && input !== null) return `<dict of ${Object.keys(input).length} items>`;
  if (input === null || input === undefined) return "None";
  if (typeof input === "boolean") return input ? "True" : "False";
  return String(input);
}

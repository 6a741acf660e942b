import type { JsonObject } from "../../../agreements/json.ts";
import { isChat } from "../../../agreements/paths.ts";
import { Refusal } from "../../../errors.ts";
import { restoreDigits } from "../../digits.ts";
import { isSmall } from "../../fields.ts";
import { boundChat } from "./chat.ts";
import { writeBody, type ParsedBody } from "../parsed-body.ts";

/** The same call with its numbers written as they came; what was bounded by its length is bounded by that. */
export function writeExactly(parsed: ParsedBody, exact: JsonObject): ParsedBody {
  const ours = { model: parsed.model.id, max_tokens: parsed.body.max_tokens };
  const body = writeBody(restoreDigits(parsed.body, exact), ours);
  for (const param of ["response_format", "structured_outputs"]) {
    if (!isSmall(body[param] ?? null))
      throw new Refusal("invalid_value", { param, message: `'${param}' is too large.` });
  }
  const promptTokensMax = Math.max(parsed.promptTokensMax, isChat(parsed.path) ? boundChat(body, parsed.model) : 0);
  return { ...parsed, body, promptTokensMax };
}

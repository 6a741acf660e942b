import { endpointPaths, findEngineEndpoint, takesFile, type CallEndpoint } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import type { Visit } from "../../visit.ts";
import { measureRoom, readJson, type ReadBody, type Sender } from "../body.ts";
import { readFormBytes } from "../media/hand.ts";
import { describeForm, readForm } from "../media/read-form.ts";
import type { ParsedBody } from "./parsed-body.ts";
import { addDeployment } from "./deployment.ts";
import { markModel } from "./models.ts";
import { readTranslated } from "../wires/read-translated.ts";
import type { EarlyAnswer, KeptCall, Recall, Wire } from "../wires/wire.ts";
import { wires } from "../wires/wires.ts";
import { readIdempotency, type Idempotency } from "./idempotency.ts";
import { readTimeout, readWait, type CallTimeout } from "./timeout.ts";

/** What a call's address says of it; `deployment` is the model that an address in Azure's form names. */
export interface CallAddress {
  endpoint: CallEndpoint;
  deployment: string | null;
}

/** Where a call comes from, where that is known: whose body it is, and what its address names. */
export interface CallSource {
  deployment?: string | null;
  sender?: Sender;
  /** Finds what storage has for it; without it there is no storage. */
  recall?: Recall;
}
const nobody: Sender = { org: "", key: "" };

/** A parsed request: what the caller wants, in our terms, and the body to send to the origin. */
export interface Call extends ParsedBody {
  endpoint: CallEndpoint;
  wire: Wire;
  /** The caller's own name for a member of `body`, for what is refused later on. */
  rename(param: string): string;
  /** The answer where no engine is to be asked. */
  early?: EarlyAnswer;
  /** Present where its answer is to be stored. */
  kept?: KeptCall;
  mayClamp: boolean;
  /** How long the caller waits; `deadlineMs` is when that is over, in Unix ms. */
  timeout: CallTimeout;
  deadlineMs: number;
  /** How long it may wait for a slot, in ms. */
  waitMs: number;
  idempotency: Idempotency | null;
}

/** A call for which nothing is to be generated. */
export type EarlyCall = Call & { early: EarlyAnswer };

/** Is the answer known before any engine is asked? */
export function isEarly(call: Call): call is EarlyCall {
  return call.early !== undefined;
}

/**
 * Reads a call: body, shape, model, bounds. Throws a Refusal that names the field. Nothing of the caller's raw bytes or
 * headers goes further: `body` is our own copy of it, without the reserved fields. A `deployment`
 * is the model that an address in Azure's form names.
 */
export async function readCall(
  visit: Visit,
  endpoint: CallEndpoint,
  models: readonly ModelRecord[],
  { deployment = null, sender = nobody, recall }: CallSource = {},
): Promise<Call> {
  const isForm = takesForm(endpoint);
  const { bytes, json: sent, exact } = await (isForm ? readUpload : readJson)(visit.request, sender);
  const { headers } = visit.request;
  const json = deployment === null ? sent : addDeployment(sent, deployment, models);
  const wire = wires[endpoint];
  const wish = recall && wire.readStorageWish?.(json);
  const found = wish ? recall(wish, measureRoom(bytes)) : null;
  const recalled = found instanceof Promise ? await found : found;
  const translated = wire.translate({ json, exact, headers, models, recalled });
  const parsed = readTranslated(findEngineEndpoint(endpoint), translated, models);
  return markModel(parsed.named, () => {
    const timeout = readTimeout(headers, parsed.isStream);
    return {
      ...parsed,
      endpoint,
      wire,
      rename: translated.rename,
      ...(translated.early && { early: translated.early }),
      ...(translated.kept && { kept: translated.kept }),
      mayClamp: readClamp(headers.get("x-penstock-clamp")),
      timeout,
      deadlineMs: visit.startedAtMs + timeout.ms,
      waitMs: readWait(headers),
      idempotency: readIdempotency(headers, deployment === null ? endpoint : `${endpoint} ${deployment}`, bytes),
    };
  });
}

/** Is the body of such a call a form? */
export function takesForm(endpoint: CallEndpoint): boolean {
  return takesFile(endpointPaths[endpoint].agent);
}

/** Who uploads reads the form whole: the token for a node signs its digest, and another node may be tried. */
async function readUpload(request: Request, sender: Sender): Promise<ReadBody> {
  const { headers } = request;
  const json = await readForm(await readFormBytes(request, sender), headers.get("content-type"));
  // The digest of 25 MiB is made for those alone who need it.
  const bytes = headers.has("idempotency-key") ? describeForm(json) : new Uint8Array();
  return { bytes, json, exact: null };
}

/** Who asks for a clamp and misspells it would be refused, or billed, for more than they meant. */
function readClamp(text: string | null): boolean {
  if (text === null || text === "false" || text === "true") return text === "true";
  const param = "x-penstock-clamp";
  throw new Refusal("invalid_value", { param, message: `'${param}' must be 'true' or 'false'.` });
}

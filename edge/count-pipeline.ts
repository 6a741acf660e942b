import { admit, hideModel, introspect, onceHeld, rateHeaders } from "./admission/index.ts";
import { nameHold } from "./agreements/tokens/ids.ts";
import type { JsonObject } from "./agreements/json.ts";
import type { Price } from "./agreements/records/model.ts";
import { askTokenizer } from "./forwarding/index.ts";
import { identify } from "./identity/index.ts";
import type { Ports } from "./ports.ts";
import { readTokenizerCall, type TokenizerTask } from "./protocol/tokenizer/call.ts";
import { routeCall } from "./routing/index.ts";
import { openRecall } from "./storage/index.ts";
import type { Visit } from "./visit.ts";

/** A tokenizer's answer, and the headers that are its own. */
export interface TokenizerAnswer {
  body: JsonObject;
  headers: Record<string, string>;
}

const free: Price = { promptMicrosPerMTok: 0, completionMicrosPerMTok: 0 };

/**
 * Serves a question to a model's tokenizer. A caller who leaves takes the request's context with them: what was held
 * for them has to be given back all the same (docs/decisions/0008).
 */
export function serveTokenizer(visit: Visit, task: TokenizerTask, ports: Ports): Promise<TokenizerAnswer> {
  const answer = runQuestion(visit, task, ports);
  visit.afterwards(answer.catch(() => undefined));
  return answer;
}

/**
 * Asks a model's tokenizer, top to bottom as a call runs (pipeline.ts). To the ledger it is a call of no tokens and no
 * price: key, scopes and address are checked, it counts in the windows of a minute and an hour and needs a slot. It is
 * given back once it is answered, so that it leaves no line on the bill. A room refuses by throwing a Refusal.
 */
async function runQuestion(visit: Visit, task: TokenizerTask, ports: Ports): Promise<TokenizerAnswer> {
  const credential = await identify(visit.request, ports, visit.now());
  const { org } = credential;
  const { models } = ports;
  const readScopes = () => introspect(ports.ledger, credential);
  const recall = openRecall(visit, ports.storage, { org, confirm: readScopes });
  const reading = readTokenizerCall(visit, task, { models, sender: credential, recall, readScopes });
  const routing = reading.then((read) => ({ ...read, ...routeCall(visit, ports, org, read.call) }));
  const hide = (why: unknown) => hideModel(ports.ledger, credential, null, why);
  const { call, question, tier, nodes } = await routing.catch(hide);
  const hold = nameHold(visit.id);
  const grant = await admit(visit, ports.ledger, call, {
    credential,
    hold,
    tier,
    price: free,
    nowMs: visit.now(),
    graceMs: ports.holdGraceMs,
    boundFactor: 1,
    countPrompt: async () => null,
  });
  const reserved = { org, tier, ...grant };
  try {
    const body = await askTokenizer(visit, { call, reserved, nodes }, question, ports.origin);
    return { body, headers: { ...rateHeaders(grant.rates), ...call.ignored.headers } };
  } finally {
    visit.afterwards(onceHeld.release(visit, ports.ledger, { ...reserved, mayRun: false }));
  }
}

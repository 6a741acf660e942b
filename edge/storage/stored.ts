import { type JsonObject } from "../agreements/json.ts";
import { isResponseId, type OrgId, type ResponseId } from "../agreements/tokens/ids.ts";
import { Refusal } from "../errors.ts";
import { chainMax, itemsPageDefault, itemsPageMax, storedBytesMax } from "../agreements/stored-limits.ts";
import { bodyBytesMax } from "../limits.ts";
import { quoteName } from "../protocol/quote.ts";
import { openItems, openResponse } from "./sealed-response.ts";
import { reach, type OpenStorage, type ResponseStorage } from "./storage.ts";

/** What may be asked about a stored response. */
export type StoredTask = "show" | "delete" | "listItems" | "cancel";

/** A question about a stored response: of which org, by the id and the query as they were sent, at which time. */
export interface StoredQuestion {
  task: StoredTask;
  org: OrgId;
  id: string;
  query: URLSearchParams;
  nowMs: number;
}

interface Target {
  storage: ResponseStorage;
  opened: OpenStorage;
  org: OrgId;
  id: ResponseId;
  nowMs: number;
}

/**
 * Answers a question about a stored response as OpenAI does. What is not there, another org's, what was kept long
 * enough and what an org without storage asks for are all the same 404.
 */
export async function answerStored(storage: ResponseStorage | null, question: StoredQuestion): Promise<JsonObject> {
  const { task, org, id, query, nowMs } = question;
  if (task === "show") refuseStream(query);
  const page = task === "listItems" ? readPage(query) : null;
  const opened = storage && isResponseId(id) ? await storage.open(org, nowMs) : null;
  if (!storage || !opened || !isResponseId(id)) throw refuseMissing(id);
  const target = { storage, opened, org, id, nowMs };
  if (page) return listItems(target, page);
  if (task === "delete") return deleteResponse(target);
  const { items, rest } = await readOne(target);
  if (task === "show") return { ...rest, output: items.output };
  throw new Refusal("invalid_value", { message: "Cannot cancel a synchronous response." });
}

async function readOne({ storage, opened, org, id, nowMs }: Target) {
  const sealed = await reach(storage.store.read(org, id, nowMs));
  if (!sealed) throw refuseMissing(id);
  return openResponse({ org, id, storage: opened }, sealed);
}

async function deleteResponse({ storage, org, id, nowMs }: Target): Promise<JsonObject> {
  if (!(await reach(storage.store.delete(org, id, nowMs)))) throw refuseMissing(id);
  return { id, object: "response", deleted: true };
}

/**
 * The items that a response was made of: its own input, and before it what it went on from, as far as that is still
 * there.
 */
async function listItems({ storage, opened, org, id, nowMs }: Target, page: ItemsPage): Promise<JsonObject> {
  const bytesMax = bodyBytesMax + storedBytesMax;
  const { links, isLong } = await reach(storage.store.readChain(org, id, { nowMs, bytesMax }));
  if (isLong)
    throw new Refusal("request_too_large", { message: `The conversation has more than ${chainMax} responses.` });
  if (links.at(-1)?.id !== id) throw refuseMissing(id);
  const turns = await Promise.all(links.map((link) => openItems({ org, id: link.id, storage: opened }, link.items)));
  const items = turns.flatMap(({ input, output }, at) => (at === turns.length - 1 ? input : [...input, ...output]));
  return cutPage(page.isAscending ? items : items.toReversed(), page);
}

interface ItemsPage {
  limit: number;
  isAscending: boolean;
  after: string | null;
}

function readPage(query: URLSearchParams): ItemsPage {
  const limit = query.get("limit") ?? String(itemsPageDefault);
  const order = query.get("order") ?? "desc";
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > itemsPageMax)
    throw refuseQuery("limit", `must be a whole number from 1 to ${itemsPageMax}`);
  if (order !== "asc" && order !== "desc") throw refuseQuery("order", "must be 'asc' or 'desc'");
  return { limit: Number(limit), isAscending: order === "asc", after: query.get("after") };
}

function cutPage(items: readonly JsonObject[], { limit, after }: ItemsPage): JsonObject {
  const at = after === null ? -1 : items.findIndex(({ id }) => id === after);
  if (after !== null && at === -1) throw refuseQuery("after", "is the id of no item of this list");
  const page = items.slice(at + 1, at + 1 + limit);
  const readId = (item: JsonObject | undefined) => item?.["id"] ?? null;
  return {
    object: "list",
    data: page,
    first_id: readId(page[0]),
    last_id: readId(page.at(-1)),
    has_more: at + 1 + limit < items.length,
  };
}

/** Only what was made in the background could be streamed again. */
function refuseStream(query: URLSearchParams): void {
  const stream = query.get("stream");
  if (stream === null || stream === "false") return;
  const message = "'stream' is not supported: only a response made in the background could be streamed again.";
  throw new Refusal("unsupported_parameter", { param: "stream", message });
}

function refuseQuery(param: string, why: string): Refusal {
  return new Refusal("invalid_value", { param, message: `'${param}' ${why}.` });
}

function refuseMissing(id: string): Refusal {
  return new Refusal("not_found", { message: `Response with id '${quoteName(id)}' not found.` });
}

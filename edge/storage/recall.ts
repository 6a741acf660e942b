import type { JsonObject } from "../agreements/json.ts";
import { findItemHome, isResponseId, type OrgId, type ResponseId } from "../agreements/tokens/ids.ts";
import { Refusal } from "../errors.ts";
import { chainMax } from "../agreements/stored-limits.ts";
import { refuseUnstored } from "../protocol/openai/responses/storage.ts";
import { quoteName } from "../protocol/quote.ts";
import type { Recall, Recalled, StorageWish } from "../protocol/wires/wire.ts";
import type { Visit } from "../visit.ts";
import { openItems, type StoredItems } from "./sealed-response.ts";
import { reach, type OpenStorage, type ResponseStorage } from "./storage.ts";

/** Who asks for what is stored: their org, and what tells whether their key is in force, which throws if it is not. */
export interface Recaller {
  org: OrgId;
  confirm(): Promise<unknown>;
}

/** What there is for a call of an org without storage. */
const nothing: Recalled = { earlier: [], referenced: new Map(), isStored: false };

/**
 * What a call is read with, where it speaks of storage. A call that says nothing is stored if its org stores, which an
 * isolate knows by heart; what is stored is read only for a call that asks for it, and told only to whose key the
 * ledger lets in. Throws a Refusal.
 */
export function openRecall(visit: Visit, storage: ResponseStorage | null, recaller: Recaller): Recall {
  return (wish, bytesMax) => {
    const isSilent = wish.store === null && wish.previous === null && wish.references.length === 0;
    if (!isSilent) return recallStored(visit, storage, { wish, bytesMax, recaller });
    if (!storage) return nothing;
    const known = storage.recall(recaller.org, visit.now(), visit.afterwards);
    return known === undefined ? askQuietly(visit, storage, recaller.org) : { ...nothing, isStored: known !== null };
  };
}

/** Who did not speak of storage is not refused for its sake: the answer says that it is not stored. */
async function askQuietly(visit: Visit, storage: ResponseStorage, org: OrgId): Promise<Recalled> {
  const found = await storage.open(org, visit.now()).catch((cause: unknown) => {
    visit.log("storage_unreadable", { why: cause instanceof Error ? cause.message : "unknown" });
    return null;
  });
  return { ...nothing, isStored: found !== null };
}

interface RecallRequest {
  wish: StorageWish;
  /** What the body leaves room for. */
  bytesMax: number;
  recaller: Recaller;
}

async function recallStored(visit: Visit, storage: ResponseStorage | null, request: RecallRequest): Promise<Recalled> {
  const { wish, bytesMax, recaller } = request;
  const asksForStored = wish.previous !== null || wish.references.length > 0;
  const asking = storage?.open(recaller.org, visit.now()) ?? null;
  const [opened] = await Promise.all([asking, asksForStored ? recaller.confirm() : null]);
  if (!storage || !opened) {
    // An item that refers to a stored one is refused by its own path, when the items are read.
    if (wish.store !== true && wish.previous === null) return nothing;
    await recaller.confirm();
    throw refuseUnstored(wish);
  }
  const source = { visit, storage, opened, org: recaller.org };
  const { items: earlier, bytes } =
    wish.previous === null ? { items: [], bytes: 0 } : await readEarlier(source, wish.previous, bytesMax);
  const referenced = await readReferenced(source, wish.references, bytesMax - bytes);
  return { earlier, referenced, isStored: wish.store !== false };
}

interface Source {
  visit: Visit;
  storage: ResponseStorage;
  opened: OpenStorage;
  org: OrgId;
}

/** The items of a conversation up to the end of this response, the oldest first, and the bytes that they lie in. */
async function readEarlier(
  source: Source,
  previous: string,
  bytesMax: number,
): Promise<{ items: JsonObject[]; bytes: number }> {
  if (!isResponseId(previous)) throw refusePrevious(previous);
  const { visit, storage, org } = source;
  const chain = await reach(storage.store.readChain(org, previous, { nowMs: visit.now(), bytesMax }));
  if (chain.isLong) {
    const message =
      `The conversation up to 'previous_response_id' is too long: beside this body there is room for ${bytesMax} ` +
      `bytes of it, and it may have ${chainMax} responses. Begin anew, with what matters of it in 'input'.`;
    throw new Refusal("request_too_large", { param: "previous_response_id", message });
  }
  if (!chain.isWhole) throw refusePrevious(previous);
  const opened = await Promise.all(chain.links.map(({ id, items }) => openLink(source, id, items)));
  const bytes = chain.links.reduce((sum, { items }) => sum + items.length, 0);
  return { items: opened.flatMap(({ input, output }) => [...input, ...output]), bytes };
}

/** The stored items that a body refers to, by their ids. */
async function readReferenced(
  source: Source,
  references: readonly string[],
  bytesMax: number,
): Promise<ReadonlyMap<string, JsonObject>> {
  const homes = new Set(references.map((reference) => findItemHome(reference) ?? refuseReference(reference)));
  if (homes.size > chainMax) {
    const message = `'input' refers to items of ${homes.size} responses; it may to those of ${chainMax}.`;
    throw new Refusal("request_too_large", { param: "input", message });
  }
  const { visit, storage, org } = source;
  const nowMs = visit.now();
  const read = async (id: ResponseId) => {
    const sealed = await reach(storage.store.read(org, id, nowMs));
    return sealed && { id, items: sealed.items };
  };
  const found = (await Promise.all(Array.from(homes, read))).filter((home) => home !== null);
  const bytes = found.reduce((sum, { items }) => sum + items.length, 0);
  if (bytes > bytesMax) {
    const message = `What 'input' refers to is too long: beside this body there is room for ${bytesMax} bytes.`;
    throw new Refusal("request_too_large", { param: "input", message });
  }
  const opened = await Promise.all(found.map(({ id, items }) => openLink(source, id, items)));
  const items = opened.flatMap(({ input, output }) => [...input, ...output]);
  const byId = new Map(items.map((item) => [String(item["id"]), item]));
  return new Map(references.map((reference) => [reference, byId.get(reference) ?? refuseReference(reference)]));
}

function openLink({ org, opened }: Source, id: ResponseId, items: Uint8Array<ArrayBuffer>): Promise<StoredItems> {
  return openItems({ org, id, storage: opened }, items);
}

/** OpenAI's refusal of a response that is not there; another's, and one that was kept long enough, are the same. */
function refusePrevious(id: string): Refusal {
  return new Refusal("previous_response_not_found", {
    param: "previous_response_id",
    message: `Previous response with id '${quoteName(id)}' not found.`,
  });
}

function refuseReference(id: string): never {
  throw new Refusal("not_found", {
    param: "input",
    message:
      `Item with id '${quoteName(id)}' not found. Items are kept only of responses that were stored: ` +
      "send the item itself.",
  });
}

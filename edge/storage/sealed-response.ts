import { isObject, parseObject, type JsonObject } from "../agreements/json.ts";
import type { OrgId, ResponseId } from "../agreements/tokens/ids.ts";
import type { SealedResponse } from "./port.ts";
import { seal, unseal } from "./sealing.ts";
import type { OpenStorage } from "./storage.ts";

/** What is stored of a response: its input and output, and all else as it was answered. */
export interface OpenedResponse {
  items: StoredItems;
  rest: JsonObject;
}

/** The items of one response; each has an id. */
export interface StoredItems {
  input: JsonObject[];
  output: JsonObject[];
}

/** Whose response it is, which one, and under which key it lies. */
export interface ResponseName {
  org: OrgId;
  id: ResponseId;
  storage: OpenStorage;
}

type SealedPart = keyof SealedResponse;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Seals a response for its org, under its id. */
export async function sealResponse(
  name: ResponseName,
  { items, rest }: OpenedResponse,
  random: (bytes: number) => Uint8Array,
): Promise<SealedResponse> {
  const sealPiece = (piece: SealedPart, value: object) =>
    seal(name.storage.key, encoder.encode(JSON.stringify(value)), namePiece(name, piece), random);
  const [sealedItems, sealedRest] = await Promise.all([sealPiece("items", items), sealPiece("rest", rest)]);
  return { items: sealedItems, rest: sealedRest };
}

/** Opens the items of a response; throws where they are not what was stored. */
export async function openItems(name: ResponseName, sealed: Uint8Array<ArrayBuffer>): Promise<StoredItems> {
  const { input, output } = await openPiece(name, "items", sealed);
  if (!Array.isArray(input) || !Array.isArray(output)) throw new TypeError("a stored response without items");
  return { input: input.filter(isObject), output: output.filter(isObject) };
}

/** Opens a response; throws where it is not what was stored. */
export async function openResponse(name: ResponseName, { items, rest }: SealedResponse): Promise<OpenedResponse> {
  return { items: await openItems(name, items), rest: await openPiece(name, "rest", rest) };
}

async function openPiece(name: ResponseName, piece: SealedPart, sealed: Uint8Array<ArrayBuffer>): Promise<JsonObject> {
  const value = parseObject(decoder.decode(await unseal(name.storage.key, sealed, namePiece(name, piece))));
  if (value === null) throw new TypeError("a stored response that is no object");
  return value;
}

function namePiece({ org, id, storage }: ResponseName, piece: SealedPart): string {
  return `response ${org} ${id} ${storage.keyId} ${piece}`;
}

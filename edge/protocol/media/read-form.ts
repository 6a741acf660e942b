import { Buffer } from "node:buffer";
import { digestHex } from "../../agreements/digest.ts";
import type { JsonObject } from "../../agreements/json.ts";
import { Refusal } from "../../errors.ts";
import { fileBytesMax, formHeaderBytesMax, formPartsMax } from "../../limits.ts";
import { hasText, UploadedFile } from "./upload.ts";

/** The name of the one part that may be a file. */
const fileName = "file";

/**
 * Reads a form (`multipart/form-data`, RFC 7578) as an object: texts, the file as an `UploadedFile`, names that end in
 * `[]` as lists; its parts may stand in any order. Parts and their headers are counted before the platform parses
 * them. Throws 400 for what is no such form or has a part twice, 413 for a file that is too large.
 */
export async function readForm(bytes: Uint8Array<ArrayBuffer>, contentType: string | null): Promise<JsonObject> {
  const boundary = findBoundary(contentType);
  if (boundary === null) throw refuseForm("The body must be multipart/form-data, with a boundary.");
  refuseHostile(bytes, boundary);
  const form = await parseForm(bytes, boundary);
  const read = new Map<string, unknown>();
  for (const [name, value] of form.entries()) {
    const isList = name.endsWith("[]");
    const before = read.get(name);
    if (before !== undefined && !isList) throw refusePart(name, "is there twice");
    if (typeof value === "string") read.set(name, isList ? [...(Array.isArray(before) ? before : []), value] : value);
    else if (name === fileName) read.set(name, await readFile(value));
    else throw refusePart(name, "must not be a file");
  }
  return Object.fromEntries(read);
}

/**
 * What a form says, whatever its boundary and the order of its parts, which change when it is sent again: for its
 * digest.
 */
export function describeForm(form: JsonObject): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(form)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => [name, value instanceof UploadedFile ? digestHex(value.bytes) : value]);
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(parts)));
}

/** The refusal of a file of so many bytes, in OpenAI's words. */
export function refuseLargeFile(bytes: number): Refusal {
  const message = `Maximum content size limit (${fileBytesMax}) exceeded (${bytes} bytes read).`;
  return new Refusal("request_too_large", { param: fileName, message });
}

/** A boundary has up to 70 characters (RFC 2046, section 5.1.1); those that need a quote are taken in one alone. */
function findBoundary(contentType: string | null): string | null {
  const pattern =
    /^multipart\/form-data\s*;(?:[^;"]*;)*\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+.-]{1,70}))\s*(?:;|$)/i;
  const [, quoted, plain] = pattern.exec((contentType ?? "").slice(0, 512)) ?? [];
  const boundary = quoted ?? plain;
  return boundary === undefined || boundary.endsWith(" ") ? null : boundary;
}

/** A parser takes long for a million parts, and for headers without an end. */
function refuseHostile(bytes: Uint8Array<ArrayBuffer>, boundary: string): void {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  let last = -1;
  let parts = 0;
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    last = at + delimiter.length;
    if (isClosing(body, last)) continue;
    if (++parts > formPartsMax) throw refuseForm(`The form has more than ${formPartsMax} parts.`);
    if (!hasHeadEnd(bytes.subarray(last, last + formHeaderBytesMax + 4)))
      throw refuseForm(`A part of the form has more than ${formHeaderBytesMax} bytes of headers, or breaks off.`);
  }
  if (last === -1) throw refuseForm("The body has no part that begins with its boundary.");
  if (!isClosing(body, last)) throw refuseForm("The form breaks off before its last boundary.");
}

/** The empty line behind a part's headers, looked for where they may be. */
function hasHeadEnd(head: Uint8Array): boolean {
  for (let at = 0; at + 4 <= head.length; at++) if (hasText(head, at, "\r\n\r\n")) return true;
  return false;
}

function isClosing(body: Uint8Array, at: number): boolean {
  return body[at] === 0x2d && body[at + 1] === 0x2d;
}

async function parseForm(bytes: Uint8Array<ArrayBuffer>, boundary: string): Promise<FormData> {
  const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` };
  try {
    return await new Response(bytes, { headers }).formData();
  } catch (cause) {
    throw refuseForm("The body is not a form as multipart/form-data has it.", cause);
  }
}

async function readFile(file: File): Promise<UploadedFile> {
  if (file.size > fileBytesMax) throw refuseLargeFile(file.size);
  return new UploadedFile(new Uint8Array(await file.arrayBuffer()), file.name);
}

function refuseForm(message: string, cause?: unknown): Refusal {
  return new Refusal("invalid_value", { message, cause });
}

function refusePart(name: string, fault: string): Refusal {
  const param = name.replace(/[^\w[\].-]/g, "?").slice(0, 64);
  return new Refusal("invalid_value", { param, message: `'${param}' ${fault}.` });
}

import type { JsonObject } from "../../agreements/json.ts";
import type { UploadedFile } from "./upload.ts";

/** A form that is written: its bytes, and the media type that names its boundary. */
export interface WrittenForm {
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
}

/**
 * Writes a form of our own: fields of our tables, whose values are text, numbers or lists of texts, and one file.
 * `boundary` is random and long, so nothing of a caller's can hold it; nothing of the headers is a caller's either.
 */
export function writeForm(fields: JsonObject, file: UploadedFile, boundary: string): WrittenForm {
  const encoder = new TextEncoder();
  const parts = Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (one: unknown) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${String(one)}\r\n`,
    ),
  );
  const disposition = `content-disposition: form-data; name="file"; filename="${file.name}"`;
  const head = encoder.encode(
    `${parts.join("")}--${boundary}\r\n${disposition}\r\ncontent-type: application/octet-stream\r\n\r\n`,
  );
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  const bytes = new Uint8Array(head.length + file.bytes.length + tail.length);
  bytes.set(head);
  bytes.set(file.bytes, head.length);
  bytes.set(tail, head.length + file.bytes.length);
  return { bytes, contentType: `multipart/form-data; boundary=${boundary}` };
}

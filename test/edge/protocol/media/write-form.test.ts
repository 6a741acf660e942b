import { expect, test } from "vitest";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { writeForm } from "#edge/protocol/media/write-form.ts";

test("a form has its fields, lists item by item, and the file under a name of ours", () => {
  const file = new UploadedFile(new Uint8Array([0x49, 0x44, 0x33]), 'my "song"\r\nx: y.mp3');
  const { bytes, contentType } = writeForm({ model: "m", speed: 1.5, "l[]": ["a", "b"] }, file, "bound");
  expect(contentType).toBe("multipart/form-data; boundary=bound");
  const field = (name: string, value: string) =>
    `--bound\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  expect(new TextDecoder().decode(bytes)).toBe(
    `${field("model", "m")}${field("speed", "1.5")}${field("l[]", "a")}${field("l[]", "b")}--bound\r\n` +
      'content-disposition: form-data; name="file"; filename="audio.mp3"\r\n' +
      "content-type: application/octet-stream\r\n\r\nID3\r\n--bound--\r\n",
  );
});

import { describe, expect, test } from "vitest";
import { hasText, UploadedFile } from "#edge/protocol/media/upload.ts";
import { makeWav } from "#test/support/media/sound.ts";

const text = (value: string) => Uint8Array.from(value, (char) => char.charCodeAt(0));

describe("what a file is", () => {
  test.each([
    [makeWav({ seconds: 1 }), "song.mp3", "wav"],
    [text("fLaC...."), "x", "flac"],
    [text("OggS...."), "x.wav", "ogg"],
    [text("\x1a\x45\xdf\xa3"), "", "webm"],
    [text("\0\0\0 ftypM4A "), "x", "m4a"],
    [text("ID3\x04"), "x", "mp3"],
    [text("\xff\xfb\x90"), "x", "mp3"],
    // AAC begins much as MP3 does.
    [text("\xff\xf1\x50"), "x.aac", null],
    [text("hello"), "../../etc/x.MP3", "mp3"],
    [text("hello"), "x.exe", null],
    [text(""), "wav", "wav"],
  ])("%# is told by its bytes, and by its name where they say nothing", (bytes, name, extension) => {
    expect(new UploadedFile(bytes, name).extension).toBe(extension);
  });

  test("and its name is ours", () => {
    expect(new UploadedFile(text("ID3"), '"\r\nx: y').name).toBe("audio.mp3");
    expect(new UploadedFile(text("x"), "x").name).toBe("audio.bin");
  });

  test("text is found where it stands, and not beyond the end", () => {
    expect([hasText(text("abc"), 1, "bc"), hasText(text("abc"), 2, "cd"), hasText(text("abc"), 0, "b")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { audioSecondsDefault } from "../../limits.ts";
import type { UploadedFile } from "./upload.ts";
import { readWavSeconds } from "./wav.ts";

/** The lowest rate of sound that is in use, 6 kbit/s (Opus, RFC 6716, section 2.1.1), in bytes a second. */
const lowestRate = 750;
/** The highest rate of packed sound that is in use, 320 kbit/s (MP3), in bytes a second. */
const highestRate = 40_000;

/**
 * How many seconds of audio a file may be at most, whole ones: exactly so many where its header says it, else by its
 * bytes at the lowest rate, and no more than its model takes. Throws 400 `invalid_value` for one that is surely longer.
 */
export function boundSeconds(file: UploadedFile, { audioSecondsMax }: Pick<ModelRecord, "audioSecondsMax">): number {
  const max = audioSecondsMax ?? audioSecondsDefault;
  const exact = countWavSeconds(file);
  if (exact !== null && exact > max) {
    const message = `'file' has ${exact} seconds of audio; this model takes at most ${max}.`;
    throw new Refusal("invalid_value", { param: "file", message });
  }
  return exact ?? Math.min(max, Math.ceil(file.bytes.byteLength / lowestRate));
}

/**
 * What a file is billed as where no engine has said how long it is: its header's word, else the least that it can be,
 * its bytes at the highest rate. In doubt it is for whoever pays.
 */
export function leastSeconds(file: UploadedFile): number {
  return countWavSeconds(file) ?? Math.max(1, Math.floor(file.bytes.byteLength / highestRate));
}

function countWavSeconds({ bytes }: UploadedFile): number | null {
  const seconds = readWavSeconds(bytes);
  return seconds === null ? null : Math.max(1, Math.ceil(seconds));
}

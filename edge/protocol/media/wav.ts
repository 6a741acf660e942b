import { hasText } from "./upload.ts";

/** Sound whose samples have the size that its header says: PCM, floats, A-law, mu-law. */
const plainFormats: ReadonlySet<number> = new Set([1, 3, 6, 7]);
const extensible = 0xfffe;
/** A header may have so many chunks before its sound. */
const chunksMax = 64;
const rateMax = 768_000;

/** How the samples of a sound are laid out. */
interface SampleForm {
  bytesPerSecond: number;
}

/**
 * How long the sound of a RIFF WAVE file is, in seconds, as its header and its bytes say it (Microsoft's and IBM's
 * Multimedia Programming Interface, 1991). Null for what is no such file, for one without sound, and for one whose
 * samples are packed or whose header contradicts itself: of those nothing is known.
 */
export function readWavSeconds(bytes: Uint8Array): number | null {
  if (!hasText(bytes, 0, "RIFF") || !hasText(bytes, 8, "WAVE")) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let form: SampleForm | null = null;
  for (let at = 12, chunks = 0; at + 8 <= bytes.byteLength && chunks < chunksMax; chunks++) {
    const size = view.getUint32(at + 4, true);
    const left = bytes.byteLength - at - 8;
    if (hasText(bytes, at, "data")) {
      // Whoever streams a file writes its length as 0 or as the largest number: then it is all that follows.
      const sound = size === 0 || size > left ? left : size;
      return form && sound > 0 ? sound / form.bytesPerSecond : null;
    }
    if (hasText(bytes, at, "fmt ")) form = size < 16 || left < 16 ? null : readForm(view, at + 8, Math.min(size, left));
    // A chunk of odd length is followed by a byte that fills it up.
    at += 8 + size + (size % 2);
  }
  return null;
}

function readForm(view: DataView, at: number, size: number): SampleForm | null {
  const tag = view.getUint16(at, true);
  // The format of an extensible header is the first half of its GUID.
  const format = tag === extensible && size >= 26 ? view.getUint16(at + 24, true) : tag;
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bytesPerSecond = view.getUint32(at + 8, true);
  const bytesPerFrame = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  const isWhole = bytesPerFrame > 0 && bytesPerFrame === channels * Math.ceil(bits / 8);
  const isPlain = plainFormats.has(format) && rate > 0 && rate <= rateMax;
  return isPlain && isWhole && bytesPerSecond === rate * bytesPerFrame ? { bytesPerSecond } : null;
}

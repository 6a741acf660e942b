/** The containers of sound that are taken, by the ends of their names: OpenAI's list. */
export const audioExtensions = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"] as const;
/** One of them. */
export type AudioExtension = (typeof audioExtensions)[number];

/** A file of a form: its bytes, and what it is, as far as it is known. Nothing else of its part is kept. */
export class UploadedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly extension: AudioExtension | null;

  /** `name` is its sender's, and is read for its end alone, where the bytes do not say what they are. */
  constructor(bytes: Uint8Array<ArrayBuffer>, name: string) {
    this.bytes = bytes;
    this.extension = findByContent(bytes) ?? findByName(name);
  }

  /** The name under which it goes on: ours, with the end by which engines tell formats apart. */
  get name(): string {
    return `audio.${this.extension ?? "bin"}`;
  }
}

/** What a file begins with, from which byte on: RFC 9639 (FLAC), 3533 (Ogg), 8794 (WebM); RIFF; ISO 14496-12; ID3. */
const beginnings: readonly { extension: AudioExtension; parts: readonly (readonly [at: number, text: string])[] }[] = [
  {
    extension: "wav",
    parts: [
      [0, "RIFF"],
      [8, "WAVE"],
    ],
  },
  { extension: "flac", parts: [[0, "fLaC"]] },
  { extension: "ogg", parts: [[0, "OggS"]] },
  { extension: "webm", parts: [[0, "\x1a\x45\xdf\xa3"]] },
  { extension: "m4a", parts: [[4, "ftyp"]] },
  { extension: "mp3", parts: [[0, "ID3"]] },
];

function findByContent(bytes: Uint8Array): AudioExtension | null {
  const found = beginnings.find(({ parts }) => parts.every(([at, text]) => hasText(bytes, at, text)));
  if (found) return found.extension;
  const [first = 0, second = 0] = bytes;
  // Eleven bits of ones begin a frame of MPEG sound; a layer of 0 is AAC, which has no name here.
  return first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x06) !== 0 ? "mp3" : null;
}

function findByName(name: string): AudioExtension | null {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return audioExtensions.find((extension) => extension === end) ?? null;
}

/** Do these characters, a byte each, stand there? */
export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

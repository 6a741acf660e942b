/** The forms in which a transcript is written, and the media type of each. */
export const transcriptTypes = {
  json: "application/json",
  verbose_json: "application/json",
  text: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
} as const;
/** One of them. */
export type TranscriptFormat = keyof typeof transcriptTypes;

/** The forms in which speech is asked for, and the media type of each; `pcm` is 16-bit samples without a header. */
export const speechTypes = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
} as const;
/** One of them. */
export type SpeechFormat = keyof typeof speechTypes;

const otherNames: Readonly<Record<string, string>> = {
  "audio/mp3": speechTypes.mp3,
  "audio/x-wav": speechTypes.wav,
  "audio/wave": speechTypes.wav,
  "audio/vnd.wave": speechTypes.wav,
  "audio/opus": speechTypes.opus,
  "audio/x-flac": speechTypes.flac,
  "audio/l16": speechTypes.pcm,
};
const known: ReadonlySet<string> = new Set(Object.values(speechTypes));

/** The media type of speech by our own name for it; null for what is none that we know. */
export function nameSpeechType(contentType: string | null): string | null {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const name = Object.hasOwn(otherNames, type) ? (otherNames[type] ?? "") : type;
  return known.has(name) ? name : null;
}

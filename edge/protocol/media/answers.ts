import { z } from "zod";

const seconds = z.number().min(0);
const Times = z.looseObject({ start: seconds, end: seconds });

/** A transcript in JSON; all but `text` and `usage` is of `verbose_json`. `seconds` is what was billed. */
export const Transcript = z.looseObject({
  text: z.string(),
  usage: z.looseObject({ type: z.literal("duration"), seconds: z.int().min(0) }),
  language: z.string().nullish(),
  duration: seconds.optional(),
  segments: z.array(Times.extend({ text: z.string() })).optional(),
  words: z.array(Times.extend({ word: z.string() })).optional(),
});

/** Pictures in base64. */
export const ImageList = z.looseObject({
  created: z.int().describe("Unix seconds."),
  data: z.array(z.looseObject({ b64_json: z.string(), revised_prompt: z.string().optional() })),
});

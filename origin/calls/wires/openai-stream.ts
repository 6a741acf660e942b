import { openaiWire } from "#edge/protocol/wires/openai.ts";
import { ChunkRewriter, type RewriterOptions } from "../stream/chunk-rewriter.ts";
import type { UsageMeter } from "../usage-meter.ts";
import type { AnswerStream } from "./wire.ts";

/** What the stream of an endpoint that engines know needs to know about its call. */
export interface OpenaiOptions extends RewriterOptions {
  /** `object` of its chunks. */
  object: string;
  now: () => number;
}

/** A stream as its engine writes it, but for what the caller did not ask for. */
export function openOpenaiStream(meter: UsageMeter, options: OpenaiOptions): AnswerStream {
  const rewriter = new ChunkRewriter(meter, options);
  const { stream: form } = openaiWire;
  return {
    form,
    get responseId() {
      return rewriter.responseId;
    },
    get hasFinished() {
      return rewriter.hasFinished;
    },
    get isWhole() {
      return rewriter.isWhole;
    },
    read: (payload) => rewriter.read(payload),
    frame: (payload) => rewriter.frame(payload),
    finish() {
      const isOwed = options.wantsUsage && !rewriter.hasSentUsage;
      const owed = isOwed ? rewriter.frame(rewriter.writeUsageChunk(options.now(), options.object)) : "";
      return `${owed}data: [DONE]\n\n`;
    },
    fail: (refusal) => (refusal ? Buffer.from(form.encodeError(refusal)).toString("latin1") : ""),
  };
}

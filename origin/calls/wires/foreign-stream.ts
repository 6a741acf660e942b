import { hideReasoning } from "../answer-parts.ts";
import { ChunkCounter, type CounterOptions } from "../stream/chunk-counter.ts";
import type { UsageMeter } from "../usage-meter.ts";
import type { AnswerContext, AnswerStream, AnswerWire } from "./wire.ts";

/** What the stream of another protocol needs to know about its call. */
export interface ForeignOptions extends CounterOptions {
  wire: AnswerWire;
  context: AnswerContext;
  /** The caller wants no reasoning. They pay for it all the same. */
  hidesReasoning: boolean;
}

/** Reads an engine's chunks, counts them as any stream's, and writes them as the events of another protocol. */
export function openForeignStream(meter: UsageMeter, options: ForeignOptions): AnswerStream {
  const { wire, context, hidesReasoning } = options;
  const counter = new ChunkCounter(meter, options);
  const translator = wire.openTranslator(context);
  let hasBegun = false;
  const begin = () => {
    if (hasBegun) return "";
    hasBegun = true;
    return translator.begin();
  };
  return {
    form: wire.form,
    get responseId() {
      return counter.responseId;
    },
    get hasFinished() {
      return counter.hasFinished;
    },
    get isWhole() {
      return counter.isWhole;
    },
    frame: (payload) => payload,
    read(payload) {
      const counted = counter.read(payload);
      if (counted === null || counted === "") return counted;
      const shown = hidesReasoning ? hideReasoning(counted.choices) : counted.choices;
      if (shown.length === 0) return "";
      let text = begin();
      for (const choice of shown) text += translator.add(choice);
      return toLatin1(text);
    },
    finish: () => toLatin1(begin() + translator.end()),
    fail(refusal) {
      if (refusal === null) return "";
      const ending = translator.fail ? begin() + translator.fail(refusal) : null;
      return ending === null ? Buffer.from(wire.form.encodeError(refusal)).toString("latin1") : toLatin1(ending);
    },
  };
}

function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

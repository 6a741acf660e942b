import { openaiWire } from "#edge/protocol/wires/openai.ts";
import { answerStream } from "#edge/forwarding/answer.ts";
import type { Answer } from "#edge/forwarding/outcome.ts";
import { openVisit } from "#edge/visit.ts";

/**
 * The edge's pipe on its own, at `/piped…`, and beside it an answer's body passed on natively, at `/passed…`: what a
 * caller sees of an origin that dies depends on the runtime.
 */
export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    const ask = (signal?: AbortSignal) => fetch(env.ORIGIN + pathname, signal ? { signal } : {});
    if (pathname.startsWith("/passed"))
      return new Response((await ask()).body, { headers: { "content-type": "text/event-stream" } });
    const start = async (signal: AbortSignal): Promise<Answer> => ({
      kind: "answer",
      response: await ask(signal),
      node: "node_a",
      servedBy: "shared",
      isLate: () => false,
      timeout: { ms: 60_000, header: null },
      dispose: () => undefined,
    });
    return answerStream(
      openVisit(request, (work) => context.waitUntil(work)),
      start,
      { wire: openaiWire, buildHeaders: () => ({}) },
    );
  },
} satisfies ExportedHandler<{ ORIGIN: string }>;

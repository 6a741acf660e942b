import * as fc from "fast-check";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { ChunkRewriter } from "#origin/calls/stream/chunk-rewriter.ts";
import { passStream } from "#origin/calls/stream/stream-answer.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { EngineAnswer } from "#origin/engines/http/connection.ts";
import { chunk, doneEvent, roleChunk, textChunks, usage, usageChunk } from "#test/support/fakes/fake-engine.ts";

/** What becomes of an engine's answer that comes in these reads: bytes for the caller, end, counts, connection. */
async function pass(reads: string[]) {
  const meter = new UsageMeter({ tokensHeld: 1_000, completionTokensMax: 500, choicesPerPrompt: 1, echoChunks: 0 });
  const isNot = { wantsUsage: false, wantsContinuousUsage: false, hidesReasoning: false, isUsageOfOneChoice: false };
  const rewriter = new ChunkRewriter(meter, { model: "public", choices: 1, hasContinuousUsage: true, ...isNot });
  const engineAnswer = new EngineAnswer(new Socket(), () => {});
  let text = "";
  const write = (piece: string) => {
    text += piece;
    return true;
  };
  const ended = passStream({
    engineAnswer,
    rewriter,
    meter,
    writer: { write, isFull: false, onDrain: () => {} },
    limits: { streamIdleMsMax: 60_000, pingMs: 60_000 },
    waitSign: null,
    signal: new AbortController().signal,
    onFirstToken: () => {},
    onCheckpoint: () => {},
    onPing: () => {},
  });
  for (const read of reads) engineAnswer.push(read);
  engineAnswer.finish(new Error("the engine hung up"));
  const { outcome, refusal } = await ended;
  const counts = [meter.contentChunks, meter.completionSoFar, meter.promptTokensCounted, rewriter.responseId];
  return { text, outcome, why: refusal?.details.log, counts, isReusable: engineAnswer.isReusable };
}

const token = fc
  .tuple(fc.constantFrom("a", " é", "日🌍", "\n\n", "data: ", '"],"usage":{', "\r\n", "0\r\n\r\n"), fc.nat(9))
  .map(([text, count]) => chunk(text, usage(7, count)));
const oddEvent = fc.constantFrom(
  roleChunk,
  ": comment\n\n",
  "data:\n\n",
  "data: null\n\n",
  "\n",
  "event: x\nid: 7\n",
  "\ufeff",
  doneEvent,
  chunk("b", null),
  chunk("c", usage(7, 2), "stop"),
  chunk("d", usage(7, 600)),
  usageChunk(usage(7, 2)),
  chunk("e", usage(7, 1)).replaceAll("\n", "\r\n"),
  chunk("f", usage(7, 1)).replaceAll("\n", "\r"),
  chunk("g", usage(7, 1)).replace('"choices":', '\ndata: "choices":'),
  chunk("h", "9").replace("data: ", "data:"),
  'data: {"error":{"message":"x","code":500}}\n\n',
  "data: {\n\n",
  "data: x\r\ndata: y\n\n",
);
const events = fc.oneof(
  fc.array(fc.oneof({ weight: 6, arbitrary: token }, { weight: 1, arbitrary: oddEvent }), { maxLength: 12 }),
  fc.array(token, { maxLength: 8 }).map((tokens) => [roleChunk, ...tokens, ...textChunks(["x", "y"]).slice(1)]),
);

/** How one event is framed: mostly one chunk, sometimes torn in two; its size may be written in more ways than one. */
const framing = fc.record({
  tornAt: fc.option(fc.nat(200), { freq: 5 }),
  size: fc.constantFrom("plain", "plain", "plain", "upper", "zeros", "extended"),
});
/** Where reads end: mostly where chunks do, sometimes a few bytes before or behind, or two chunks come in one. */
const near = fc.integer({ min: -9, max: 9 });
const cut = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: near });

function writeChunk(bytes: string, size: string): string {
  const hex = bytes.length.toString(16);
  const written = { upper: hex.toUpperCase(), zeros: `000${hex}`, extended: `${hex};a=b` }[size] ?? hex;
  return `${written}\r\n${bytes}\r\n`;
}

const answer = fc.record({
  events,
  framings: fc.array(framing, { minLength: 1, maxLength: 12 }),
  cuts: fc.array(fc.option(cut, { freq: 6 }), { minLength: 1, maxLength: 12 }),
  end: fc.constantFrom(
    "0\r\n\r\n",
    "0\r\n\r\n",
    "0\r\nx-sum: 1\r\n\r\n",
    "",
    "5\r\nda",
    "0\r\n\r\nHTTP/1.1 200 OK\r\n",
  ),
});

test("however an answer is split into reads, caller and bill are as a byte at a time", async () => {
  const seen = { completed: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(answer, async ({ events, framings, cuts, end }) => {
      const chunks = events.flatMap((event, at) => {
        const bytes = Buffer.from(event).toString("latin1");
        const { tornAt, size } = framings[at % framings.length] ?? { tornAt: null, size: "plain" };
        const pieces = tornAt === null ? [bytes] : [bytes.slice(0, tornAt), bytes.slice(tornAt)];
        return pieces.filter((piece) => piece !== "").map((piece) => writeChunk(piece, size));
      });
      const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
      const parts = [head, ...chunks, end];
      const bytes = parts.join("");
      let length = 0;
      const ends = parts.flatMap((part, at) => {
        length += part.length;
        const moved = cuts[at % cuts.length] ?? null;
        return moved === null ? [] : [Math.min(bytes.length, Math.max(0, length + moved))];
      });
      const borders = [0, ...ends, bytes.length].toSorted((a, b) => a - b);
      const reads = borders.slice(1).map((border, at) => bytes.slice(borders[at], border));
      const passed = await pass(reads.filter((read) => read !== ""));
      seen[passed.outcome === "completed" ? "completed" : "failed"]++;
      expect(passed).toEqual(await pass([...bytes]));
    }),
    { numRuns: 400 },
  );
  expect(Math.min(seen.completed, seen.failed)).toBeGreaterThan(20);
}, 60_000);

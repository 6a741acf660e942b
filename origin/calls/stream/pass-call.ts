import type { LiveCall } from "../live-call.ts";
import { buildRecord } from "../record.ts";
import { passStream, type Ending, type StreamParts } from "./stream-answer.ts";

/**
 * Passes the stream of a call to its reader and keeps its account on the way: when the first token came, the id of the
 * answer, and checkpoints, by which the edge knows what was made if this node dies.
 */
export async function passCall(
  call: LiveCall,
  parts: Pick<StreamParts, "engineAnswer" | "writer" | "rewriter" | "limits" | "waitSign">,
): Promise<Ending> {
  const { rooms, meter, controller } = call;
  const { rewriter } = parts;
  const ending = await passStream({
    ...parts,
    meter,
    signal: controller.signal,
    onFirstToken: () => {
      call.firstTokenAtMs = rooms.now();
      call.firstToken.noteToken();
    },
    onCheckpoint: () =>
      rooms.sender.checkpoint(buildRecord({ ...call, responseId: rewriter.responseId }, "failed", false, rooms.now())),
    onPing: rooms.metrics.notePing,
  });
  call.responseId = rewriter.responseId;
  return ending;
}

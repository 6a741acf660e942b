import type { ForeignEndpoint } from "#edge/agreements/paths.ts";
import { responsesAnswers } from "./responses/wire.ts";
import type { AnswerWire } from "./wire.ts";

/** How the answers of each endpoint of another protocol are written. */
export const answerWires: Readonly<Partial<Record<ForeignEndpoint, AnswerWire>>> = {
  responses: responsesAnswers,
};

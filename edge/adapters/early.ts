import { waitUntil } from "cloudflare:workers";

/**
 * Keeps work going after the answer has left. Call it while the request still runs: what starts later dies with the
 * request.
 */
export const runAfterAnswer = (work: () => Promise<void>): void => waitUntil(work());

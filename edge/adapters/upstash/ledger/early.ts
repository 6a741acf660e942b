import { waitUntil } from "cloudflare:workers";

/**
 * Keeps work going after the answer has left. It is told in the request's own turn: what would only be told later dies
 * with the request.
 */
export const later = (work: () => Promise<void>): void => waitUntil(work());

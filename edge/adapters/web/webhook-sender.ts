import { answerBytesMax } from "../../agreements/webhooks/limits.ts";
import type { WebhookSender } from "../../control/http/port.ts";
import { readCapped } from "./read-capped.ts";

/**
 * Posts with `fetch`: no redirect is followed, no cookie or credential of ours goes along, and the answer, its body
 * too, has to come in time. A body that breaks or comes late fails the try: half an answer is none.
 */
export function fetchWebhookSender({
  waitMsMax,
  fetch: send,
}: {
  waitMsMax: number;
  fetch: typeof fetch;
}): WebhookSender {
  return {
    async post(url, headers, body) {
      const signal = AbortSignal.timeout(waitMsMax);
      try {
        const response = await send(url, {
          method: "POST",
          headers: { ...headers, "user-agent": "Penstock-Webhooks/1" },
          body,
          redirect: "manual",
          signal,
        });
        return { status: response.status, excerpt: await readCapped(response, answerBytesMax) };
      } catch {
        return { failure: signal.aborted ? "timeout" : "connection" };
      }
    },
  };
}

/** The bounds of events, webhooks and reports of leaked keys. */

/** Webhooks of one org. */
export const webhooksMax = 20;
/** How long a webhook may take to answer, where `WEBHOOK_WAIT_MS` is not set. */
export const webhookWaitMsMax = 15_000;
/** How long its name may take to be looked up. */
export const dnsWaitMsMax = 5_000;
/** Tries of one delivery. */
export const deliveryTriesMax = 10;
/** Over which time they are spread where `WEBHOOK_WINDOW_MS` is not set; who fails for so long is switched off. */
export const webhookWindowMs = 72 * 3_600_000;
/** A delivery that is being sent is nobody else's for so long: a name looked up, an answer, some time to spare. */
export const deliveryLeaseMs = 45_000;
/** Deliveries that are sent at once: the platform opens six connections at a time for one request or cron. */
export const sendersMax = 4;
/** Deliveries to one webhook at once, so that a slow one takes nobody else's turn. */
export const webhookInFlightMax = 2;
/** A cron begins no more deliveries after so long; the next one is about to. */
export const deliverMsMax = 50_000;
/** The same behind a request, which the platform lets live for 30 s more: the last may still take its whole wait. */
export const nudgeMsMax = 8_000;
/** What is read of a webhook's answer. */
export const answerBytesMax = 4_096;
/** What is kept of it. */
export const excerptCharsMax = 1_000;
/** How long events and deliveries are kept. */
export const eventRetentionMs = 30 * 24 * 3_600_000;
/** Rows of each that a cron deletes. */
export const eventSweepMax = 1_000;
/** A report of leaked keys is refused beyond this. */
export const leakBodyBytesMax = 256 * 1024;
/** Keys of one report. */
export const leaksMax = 100;
/** How long the reporter's public keys are believed. */
export const leakKeysMs = 3_600_000;
/** One that is not among them has them read again, at most so often. */
export const leakKeysAgainMs = 60_000;

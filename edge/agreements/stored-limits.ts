// Bounds of stored responses (docs/decisions/0020).

/** The longest that an org may have its responses kept, in hours: 30 days. */
export const responseHoursMax = 720;
/** Responses that one conversation may go back; all of them together are bounded as one body is. */
export const chainMax = 256;
/** A longer answer is not stored, and says so; bytes of JSON. */
export const storedBytesMax = 8 * 1024 * 1024;
/** How long an isolate goes by what it knows of an org's storage before it asks again, behind a call. */
export const storageReadMs = 10_000;
/** What it has not heard of for so long it asks about before it goes on. */
export const storageStaleMs = 60_000;
/** Orgs of whose storage an isolate knows. */
export const storagesKnownMax = 10_000;
/** How long D1 and the bucket may take for stored responses, each time they are asked. */
export const storageWaitMsMax = 5_000;
/** Responses that one round of the cron deletes, of each kind. */
export const sweepMax = 1_000;
/** Keys that one round of the cron seals anew under the first master key. */
export const rewrapMax = 100;
/** Items of a page of stored ones, at most. */
export const itemsPageMax = 100;
/** The same where `limit` is not sent. */
export const itemsPageDefault = 20;

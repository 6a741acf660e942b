/* Bounds of prices (edge/admission/prices.ts) and of the bill that is kept; limits.ts has all others. */

/** How old an isolate's prices may be before they are read anew, beside a call. */
export const pricesFreshMs = 30_000;
/** The same after they could not be read. */
export const pricesRetryMs = 5_000;
/** With prices that are older, or none, a call waits for them. */
export const pricesStaleMs = 10 * 60_000;
/** So long at most. */
export const pricesWaitMsMax = 500;
/** How long before it is in force a price has to be known: no isolate that has calls goes so long without reading. */
export const priceLeadMs = 60_000;

/** How many days the bill stays in D1 call by call, where there is an archive. */
export const usageDays = 62;

/** Every bound of the edge by name. Unit and bound come last: `Bytes`, `Ms`, `Tokens`, then `Max` or `Min`. */

/** Caps on what a caller may send (S12). Each has a case in `test/journeys/callers/bad-input.test.ts`. */
export const bodyBytesMax = 4 * 1024 * 1024;
/** How much of an oversized body is read and discarded before it is refused. */
export const discardedBytesMax = 16 * 1024 * 1024;
export const bodyDepthMax = 64;
export const bodyMembersMax = 256;
export const bodyMembersMaxAll = 65_536;
export const messagesMax = 2_048;
export const partsMax = 1_024;
export const toolsMax = 512;
export const promptIdsMax = 262_144;
export const choicesMax = 8;
export const stopMax = 16;
export const logitBiasMax = 1_024;
export const schemaBytesMax = 32 * 1024;
export const inputsMax = 2_048;
export const idempotencyKeyCharsMax = 255;

/** A client token lives an hour at most. */
export const clientTokenSecondsMax = 3_600;

/** Forwarding (F3, F4, F5). */
export const attemptsMax = 3;
export const retryShareMax = 0.2;
export const retriesMin = 3;
export const breakerFailuresMax = 3;
export const breakerOpenMs = 30_000;
/** A stream whose node has sent no headers by then is retried elsewhere: engines send them before they generate. */
export const streamHeadersMsMax = 30_000;
export const hopTtlMs = 60_000;
/** A call that runs longer is cancelled; its hold expires a little later, `HOLD_GRACE_MS` unless this. */
export const callMsMax = 15 * 60_000;
export const holdGraceMs = 30_000;
/** An agent ends a call at its deadline and reports it. A node that reports nothing is aborted this much later. */
export const answerGraceMs = 1_000;
/** How long the hold of an abandoned call stays open for a node that may have run it to report its usage. */
export const abandonMs = 2_000;
/** A stream whose origin has not answered by then gets a 200 and is kept alive with comments. */
export const earlyAnswerMs = 1_000;
export const waitCommentMs = 400;

/**
 * How long an org's ledger in a Durable Object, and D1 for the control plane, may take before they count as
 * unavailable. Less than agents wait (10 s).
 */
export const ledgerWaitMsMax = 8_000;
export const databaseWaitMsMax = 5_000;

/** Windows of the ledger. */
export const subBuckets = 60;
export const idempotencyMs = 24 * 3_600_000;
export const rotationOverlapMsMax = 72 * 3_600_000;

/** Usage records that agents send. */
export const usageBatchMax = 64;
export const usageBatchMs = 100;
export const usageBodyBytesMax = 256 * 1024;
/** On long streams the agent reports its progress, so that a lost end costs the house at most this much. */
export const checkpointTokens = 256;
export const checkpointMs = 5_000;

/**
 * Pairs of org and model whose traffic profile an isolate, and an agent, remembers (docs/decisions/0009); an isolate
 * keeps the latest reports of this many nodes for each.
 */
export const profilesMax = 10_000;
export const profileReportersMax = 8;
/** A node's report is dropped once another node has reported this much later. */
export const profileStaleMs = 10 * 60_000;
/** A node with a longer expected wait is passed over while one of the other tier is faster. */
export const waitTargetMs = 5_000;

/** The fleet. */
export const heartbeatMs = 5_000;
export const heartbeatStaleMs = 60_000;
export const fleetReadMs = 1_000;
/** How long the fleet object may take to store or return heartbeats; less than agents wait (4 s). */
export const fleetWaitMsMax = 2_500;
export const clockSkewMs = 30_000;

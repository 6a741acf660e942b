/** Every bound of the edge by name. Unit and bound come last: `Bytes`, `Ms`, `Tokens`, then `Max` or `Min`. */

// Caps on what a caller may send (S12). Each has a case in `test/journeys/callers/bad-input.test.ts`.

/** A longer body is refused. */
export const bodyBytesMax = 4 * 1024 * 1024;
/** The same between edge and agent: what another protocol's answer repeats of its request goes beside its prompt. */
export const hopBodyBytesMax = 2 * bodyBytesMax + 1024 * 1024;
/** How much of an oversized body is read and discarded before it is refused. */
export const discardedBytesMax = 16 * 1024 * 1024;
/** How long a body may take to arrive, from when its call's headers have. */
export const bodyMsMax = 10_000;
/** A body that is not there by then counts among those that its key has in reading. */
export const bodySlowMs = 250;
/** Bodies that a key may have in reading in one isolate (docs/decisions/0011). */
export const bodiesInReadingMax = 32;
/** Bytes of bodies that an org may have in reading in one isolate. */
export const orgBytesInReadingMax = 8 * 1024 * 1024;
/** The same for all orgs together: an isolate has 128 MB for everything. */
export const bytesInReadingMax = 16 * 1024 * 1024;
/** A file that is uploaded: OpenAI's own bound (docs/decisions/0021). */
export const fileBytesMax = 25 * 1024 * 1024;
/** A form: the file, its fields, and what stands between them. */
export const formBytesMax = fileBytesMax + 128 * 1024;
/** Parts of a form. */
export const formPartsMax = 64;
/** Bytes of the headers of one part. */
export const formHeaderBytesMax = 2_048;
/** How long a form may take to arrive. */
export const formMsMax = 60_000;
/** Bytes of forms that an isolate has in hand, from their first byte to the first of their answers. */
export const formBytesInHandMax = 40 * 1024 * 1024;
/** The same of one org: a whole file, and small ones beside it. */
export const orgFormBytesInHandMax = 26 * 1024 * 1024;
/** The same on a node. */
export const nodeFormBytesInHandMax = 128 * 1024 * 1024;
/** Seconds of audio that one call may have where its model's record does not say. */
export const audioSecondsDefault = 1_800;
/** Characters of a text to be spoken: OpenAI's own bound. */
export const speechCharsMax = 4_096;
/** Characters of a picture's description. */
export const imagePromptCharsMax = 32_000;
/** Pictures of one call. */
export const imagesMax = 10;
/** Levels of lists and objects in a body. */
export const bodyDepthMax = 64;
/** Members, or items, that a body has at its top. */
export const bodyMembersMax = 256;
/** Strings, lists, objects and members of a body in all; a name is a string too. Parsers take long for all of them. */
export const bodyMembersMaxAll = 65_536;
/** Values of a body in all that are not the first of their list or object: 262,144 token ids, and then some. */
export const bodyItemsMaxAll = 327_680;
/** Numbers of a body that are no integers of up to 15 digits; each is read twice, to keep its digits. */
export const bodyFractionsMax = 16_384;
/** Messages of a chat. */
export const messagesMax = 2_048;
/** Parts of one message. */
export const partsMax = 1_024;
/** Tools of a chat. */
export const toolsMax = 512;
/** Token ids of one prompt. */
export const promptIdsMax = 262_144;
/** Bytes of a text, or of a chat, whose tokens are asked for: that is free, and an engine's streams wait for it. */
export const tokenizedBytesMax = 1024 * 1024;
/** Questions of callers that one engine's tokenizer works at. */
export const tokenizersAtOnce = 16;
/** Those of one org among them. */
export const tokenizersPerOrg = 4;
/** Prompts that it counts at once for calls to be admitted, beside the questions. */
export const admissionCountsAtOnce = 16;
/** Those of one org among them. */
export const admissionCountsPerOrg = 8;
/** How long a caller waits for a tokenizer at most, all nodes together. */
export const tokenizerMsMax = 30_000;
/** How long one node may take to ask it. */
export const tokenizerNodeMsMax = 5_000;
/** Choices of one call (`n`). */
export const choicesMax = 8;
/** Sequences at which an answer stops. */
export const stopMax = 16;
/** Bytes of each of them. */
export const stopBytesMax = 256;
/** Entries of `logit_bias`. */
export const logitBiasMax = 1_024;
/** Entries of `bad_words`: an engine tokenizes each twice, in the thread that all its streams share. */
export const badWordsMax = 32;
/** Bytes of each of them. */
export const badWordBytesMax = 64;
/** Token ids in a list of them. */
export const idListMax = 1_024;
/** The highest token id: engines keep one in 32 bits, and know themselves which of them their vocabulary lacks. */
export const tokenIdMax = 2 ** 31 - 1;
/** Log-probabilities of each token that was made. */
export const logprobsMax = 20;
/** Log-probabilities of each token of a prompt: an engine keeps those of the whole prompt at once. */
export const promptLogprobsMax = 5;
/** Tokens of a prompt whose log-probabilities may be asked for, unless the model's record allows more. */
export const scoredTokensMax = 1_024;
/**
 * Tokens of all answers together where an engine can only answer in one piece (`prompt_logprobs`): what it had made of
 * them when its caller leaves is paid by nobody (docs/decisions/0012).
 */
export const unstreamedTokensMax = 64;
/** Bytes of a name: of a tool, of a message's author, of a tool call. */
export const nameBytesMax = 256;
/** Tool calls of one message. */
export const toolCallsMax = 512;
/** All tools of a chat, written as compact JSON. */
export const toolsBytesMax = 256 * 1024;
/** Documents of a chat. */
export const documentsMax = 256;
/** A switch of a model's template, written as compact JSON. */
export const templateValueBytesMax = 1_024;
/** The name under which a caller sends a picture or a sound. */
export const uuidBytesMax = 256;
/** Names of members that were not forwarded, as an answer lists them. */
export const ignoredMax = 16;

// What an engine compiles (S12): its time grows with each of these.

/** A JSON schema, written as compact JSON; a grammar or a regular expression. */
export const schemaBytesMax = 32 * 1024;
/** Levels of a schema. */
export const schemaDepthMax = 32;
/** Properties and definitions of a schema in all. */
export const schemaPropertiesMax = 256;
/** Lengths and numbers of items that a schema counts. */
export const schemaCountMax = 10_000;
/** Values of one `enum`, or of `structured_outputs.choice`. */
export const enumItemsMax = 1_024;
/** One `enum`, written as compact JSON. */
export const enumBytesMax = 16 * 1024;
/** One of the choices in `structured_outputs.choice`. */
export const choicesBytesMax = 4 * 1024;
/** Regular expressions of a schema. */
export const patternsMax = 16;
/** Bytes of one of them. */
export const patternBytesMax = 512;
/** The largest count in a regular expression; a count within a count is refused. */
export const repetitionMax = 64;
/** The longest text that a tokenizer makes one token of: so many bytes of prompt are a token at least. */
export const tokenBytesMax = 128;
/** Prompts of a completion, or inputs of an embedding, in one call. */
export const inputsMax = 2_048;
/** Characters of all pairs that one call has scored: a model reads the query anew beside each document. */
export const rankedCharsMax = 16 * 1024 * 1024;
/** Sequences of one call, prompts × `n`; a model's record may say less (docs/decisions/0013). */
export const sequencesMax = 64;
/** Inputs of an embedding that an engine has at once from one call: more are asked for in pieces, one after another. */
export const inputsAtOnce = 32;
/** Inputs of an embedding that count as one sequence: each takes a step of the engine, and no room after it. */
export const inputsPerSequence = 8;
/** Characters of an `Idempotency-Key`. */
export const idempotencyKeyCharsMax = 255;

/** Keys that an org may have in force, admin keys too; a key that is rotated counts until it has ended. */
export const keysInForceMax = 1_000;
/** A client token lives an hour at most. */
export const clientTokenSecondsMax = 3_600;

// Forwarding (F3, F4, F5).

/** Nodes that one call is tried on. */
export const attemptsMax = 3;
/** Retries as a share of the latest calls. */
export const retryShareMax = 0.2;
/** Retries that few calls allow all the same. */
export const retriesMin = 3;
/** Failures in a row after which a node's breaker opens. */
export const breakerFailuresMax = 3;
/** How long a breaker stays open before one call may probe the node. */
export const breakerOpenMs = 30_000;
/** A stream whose node has sent no headers by then is retried elsewhere: engines send them before they generate. */
export const streamHeadersMsMax = 30_000;
/** How long a token between edge and node is good. */
export const macTokenTtlMs = 60_000;
/** A call that runs longer is cancelled; its hold expires a little later (`HOLD_GRACE_MS`). */
export const callMsMax = 15 * 60_000;
/** How long a hold outlives its call's deadline where `HOLD_GRACE_MS` is not set. */
export const holdGraceMs = 30_000;
/** An agent ends a call at its deadline and reports it. A node that reports nothing is aborted this much later. */
export const answerGraceMs = 1_000;
/** How long the hold of an abandoned call stays open for a node that may have run it to report its usage. */
export const abandonMs = 2_000;
/** A stream whose origin has not answered by then gets a 200 and is kept alive with comments. */
export const earlyAnswerMs = 1_000;
/** From one comment to the next on a stream that waits for its origin. */
export const waitCommentMs = 400;

/** How long an org's ledger in a Durable Object may take before it counts as unavailable; agents wait longer (10 s). */
export const ledgerWaitMsMax = 8_000;
/** How long D1 may take for the control plane before it counts as unavailable. */
export const databaseWaitMsMax = 5_000;

// Leases (docs/decisions/0017).

/** How long a lease lives where `LEASE_MS` is not set. */
export const leaseMs = 1_000;
/** The longest that a ledger gives one for. */
export const leaseMsMax = 5_000;
/** How much longer than its isolate the ledger takes a lease to live. */
export const leaseMarginMs = 100;
/** A lease takes at most this part of what a window has left: one in so many. */
export const leaseShare = 16;
/** Calls of one lease. */
export const leaseCallsMax = 256;
/** Tokens that a lease may be for, as many as one call. */
export const leaseTokensMax = 1_000_000_000;
/** Millionths of money that a lease may be for: 256 calls of the highest price that is exact in a double. */
export const leaseCostMicrosMax = leaseCallsMax * Math.ceil(Number.MAX_SAFE_INTEGER / 1_000_000);
/** Fewer calls are no lease: they are admitted one by one. */
export const leaseCallsMin = 4;
/** Leases of one org that are not used up. */
export const leasesMax = 256;
/** Calls a second that make a key busy in an isolate. */
export const leaseBusyCalls = 8;
/** Keys of one isolate that have a lease. */
export const isolateLeasesMax = 1_000;
/** Keys whose calls an isolate counts, to see which are busy. */
export const isolateDemandsMax = 10_000;

// Waiting for a slot (docs/decisions/0018).

/** How long a call waits for a slot where `x-penstock-wait-ms` is not sent. */
export const slotWaitMs = 250;
/** The longest that a caller may have it wait. */
export const slotWaitMsMax = 30_000;
/** Calls of one org that wait in its ledger; whoever comes then is refused at once. */
export const waitingMax = 256;
/** In Redis those who wait ask again so often, the patient ones less so. */
export const waitingPollMs = 25;
/** The same, once a call has waited longer than most do (`slotWaitMs`). */
export const waitingPollMsMax = 100;
/** Who waits in Redis and was not heard of for so long is gone. */
export const waitingSeenMs = 300;

// Windows of the ledger.

/** Parts of a sliding window, each counted by itself. */
export const subBuckets = 60;
/** How long an `Idempotency-Key` is remembered. */
export const idempotencyMs = 24 * 3_600_000;
/**
 * How long an ended hold is remembered, so that a repeated record is recognized, and a late one still adjusts what
 * expiry charged.
 */
export const endedRetentionMs = 7 * 24 * 3_600_000;
/** The longest month, which is the longest window. */
const monthMsMax = 31 * 24 * 3_600_000;
/**
 * How long a ledger keeps a key that has ended: until its last call counts in no window any more, and no late word on
 * it can come.
 */
export const keyRetentionMs = monthMsMax + endedRetentionMs;
/** Keys that an org's ledger keeps at most, ended ones too: who makes and revokes without end fills no ledger. */
export const keysKeptMax = 10_000;
/** How long a rotated key may work beside its successor. */
export const rotationOverlapMsMax = 72 * 3_600_000;

// Usage records that agents send.

/** Records of one batch. */
export const usageBatchMax = 64;
/** How long an agent collects records before it sends a batch that is not full. */
export const usageBatchMs = 100;
/** A longer body of a node's is refused, be it usage or a heartbeat. */
export const usageBodyBytesMax = 256 * 1024;
/** On long streams the agent reports its progress, so that a lost end costs the house at most this much. */
export const checkpointTokens = 256;
/** A long stream is reported at least this often. */
export const checkpointMs = 5_000;

/** Keys that an isolate remembers as made by us; the ledger is asked of each call all the same. */
export const verifiedKeysMax = 10_000;

/** Pairs of org and model whose traffic profile an isolate, and an agent, remembers (docs/decisions/0009). */
export const profilesMax = 10_000;
/** Nodes whose latest report an isolate keeps for each of those pairs. */
export const profileReportersMax = 8;
/** A node's report is dropped once another node has reported this much later. */
export const profileStaleMs = 10 * 60_000;
/** A node with a longer expected wait is passed over while one of the other tier is faster. */
export const waitTargetMs = 5_000;

// The fleet.

/** From one heartbeat of a node to the next. */
export const heartbeatMs = 5_000;
/** A node that was last heard of longer ago is not taken for ready. */
export const heartbeatStaleMs = 60_000;
/** How old an isolate's view of the fleet may be before a call has it read anew. */
export const fleetReadMs = 1_000;
/** How long the fleet object may take to store or return heartbeats; less than agents wait (4 s). */
export const fleetWaitMsMax = 2_500;
/** How far the clocks of edge and node may be apart. */
export const clockSkewMs = 30_000;

// Bounds of signing in (docs/decisions/0022); what proves people and what serves them go by the same.

/** A session ends so long after its beginning, however much it is used. */
export const sessionMsMax = 12 * 3_600_000;
/** A session that is not used for so long ends. */
export const sessionIdleMs = 3_600_000;
/** The use of a session is written down so often at most. */
export const sessionTouchMs = 60_000;
/** How old a session may be for her who adds a passkey or a second factor. */
export const sessionFreshMs = 3_600_000;
/** How long a code that was mailed is good, and a second factor or a passkey is waited for. */
export const codeMs = 10 * 60_000;
/** Tries of one code. */
export const codeTriesMax = 5;
/** Time over which tries to sign in are counted. */
export const signInWindowMs = 10 * 60_000;
/** Codes that are mailed to one address of mail in that time. */
export const codesPerAccountMax = 5;
/** Codes of all mail that one network may ask for in that time. */
export const codesPerNetworkMax = 30;
/** Codes that may be tried for one account in that time, however many were mailed. */
export const triesPerAccountMax = 15;
/** Other steps of signing in that one network may take in that time. */
export const triesPerNetworkMax = 100;

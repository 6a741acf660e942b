// Prints what was tried: `ok WHAT`, or `failed WHAT: WHY`.
export const edge = process.env.PENSTOCK_EDGE ?? "";
export const key = process.env.PENSTOCK_KEY ?? "";

/** Tries one thing; `go` throws when it does not work. */
export async function check(what, go) {
  try {
    await go();
    console.log(`ok  ${what}`);
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name} ${cause.message}` : String(cause);
    console.log(`failed  ${what}: ${why.replaceAll("\n", " ").slice(0, 300)}`);
    process.exitCode = 1;
  }
}

/** Throws unless the value is something. */
export function must(value, what) {
  if (!value) throw new Error(`no ${what}: ${JSON.stringify(value)}`);
  return value;
}

/** Resolves to what `go` rejects with; throws when it does not. */
export async function rejected(go) {
  try {
    await go();
  } catch (cause) {
    return cause;
  }
  throw new Error("it was not refused");
}

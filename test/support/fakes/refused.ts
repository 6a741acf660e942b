import { expect } from "vitest";
import { Refusal, type RefusalCode } from "#edge/errors.ts";

/** The refusal that the work ends in; fails when it ends in anything else. */
export async function refusedBy(work: () => unknown): Promise<Refusal> {
  try {
    await work();
  } catch (failure) {
    if (failure instanceof Refusal) return failure;
    throw failure;
  }
  throw new Error("nothing was refused");
}

/** Expects a refusal with this code, and when given with this `param`. */
export async function expectRefusal(work: () => unknown, code: RefusalCode, param?: string): Promise<Refusal> {
  const refusal = await refusedBy(work);
  expect({ code: refusal.code, ...(param !== undefined && { param: refusal.details.param }) }).toEqual({
    code,
    ...(param !== undefined && { param }),
  });
  return refusal;
}

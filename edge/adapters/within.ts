import { OutOfReach } from "../errors.ts";

/**
 * Waits for the work at most `msMax`, then rejects with an `OutOfReach` that names `what`. The work itself goes on, and
 * its result is dropped.
 */
export async function within<T>(msMax: number, what: string, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new OutOfReach(`${what}: no answer within ${msMax} ms`)), msMax);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

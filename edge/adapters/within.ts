import { OutOfReach } from "../errors.ts";

/**
 * Waits so long and no longer: what hangs is as what is out of reach. Rejects with what `what` says, and lets the work
 * go on unheard.
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

import { deliveryTriesMax } from "../../../agreements/webhooks/limits.ts";

const jitterShare = 0.1;

/**
 * How long after its n-th try a delivery that failed is tried again; null once it has used up its tries. The pauses
 * double, and together they are the window, or up to a tenth more: what failed at once is not all tried again at once.
 */
export function findPauseMs(tries: number, windowMs: number, chance: number): number | null {
  if (tries >= deliveryTriesMax) return null;
  const first = windowMs / (2 ** (deliveryTriesMax - 1) - 1);
  return Math.ceil(first * 2 ** (tries - 1) * (1 + jitterShare * chance));
}

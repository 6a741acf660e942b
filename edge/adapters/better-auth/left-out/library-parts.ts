import { z } from "zod";

/**
 * Stands in for parts of better-auth that nobody uses here (wrangler.toml): its list of social providers, where all
 * issuers are generic; its telemetry, which is off; its store in memory.
 */
export const socialProviders = {};

/** Any name of a provider; which there are is looked up. */
export const SocialProviderListEnum = z.string();

/** Tells nobody anything. */
export const createTelemetry = async () => ({ publish: async () => undefined });

/** There is no store but D1. */
export const memoryAdapter = () => {
  throw new TypeError("there is no store in memory");
};

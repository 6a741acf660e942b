import { z } from "zod";
import { webhookWaitMsMax, webhookWindowMs } from "../webhooks/limits.ts";

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .transform(Number)
    .pipe(z.int().min(min, `is less than ${min}`).max(max, `is more than ${max}`));

const url = z.url({ protocol: /^https?$/, error: "is not an http(s) URL" });

/** The settings of webhooks and of reports of leaked keys. */
export const eventSettings = {
  DNS_URL: url
    .default("https://cloudflare-dns.com/dns-query")
    .describe("Where the names of webhooks are looked up: DNS over HTTPS with JSON answers."),
  WEBHOOK_WAIT_MS: wholeNumber(10, webhookWaitMsMax)
    .default(webhookWaitMsMax)
    .describe("How long a webhook may take to answer one delivery, 10 to 15,000."),
  WEBHOOK_WINDOW_MS: wholeNumber(100, webhookWindowMs)
    .default(webhookWindowMs)
    .describe(
      "Over which time the ten tries of a delivery are spread, and after which a webhook that only fails is switched " +
        "off, 100 to 259,200,000.",
    ),
  WEBHOOKS_LOCAL: z
    .enum(["on", "off"], { error: "is neither 'on' nor 'off'" })
    .default("off")
    .describe(
      "`on` lets webhooks lead to `http://127.0.0.1:PORT`, for work on one machine (`npm run dev` sets it). Off in " +
        "production: there it would open the machine's own programs to every org.",
    ),
  LEAK_KEYS_URL: url
    .optional()
    .describe(
      "Where the public keys are that sign reports of leaked keys, such as " +
        "`https://api.github.com/meta/public_keys/secret_scanning`. Without it no report is believed.",
    ),
};

import { expect, test } from "vitest";
import { planLimits } from "#edge/agreements/records/quota.ts";
import {
  OpenAiRateLimitUpdate,
  rateLimitWindows,
  readRateLimits,
  toOpenAiRateLimit,
  unlimited,
} from "#edge/control/openai-admin/projects/rate-limit.ts";

const org = { ...planLimits.standard, requestsPerMinute: 60, tokensPerMinute: null, requestsPerDay: null };

test("OpenAI's limits are windows of the table", () => {
  expect(rateLimitWindows).toEqual({
    max_requests_per_1_minute: "requestsPerMinute",
    max_tokens_per_1_minute: "tokensPerMinute",
    max_requests_per_1_day: "requestsPerDay",
  });
});

test("what holds is the narrower of the project's and the org's, and a number beyond reach for none", () => {
  expect(toOpenAiRateLimit(null, org)).toMatchObject({
    max_requests_per_1_minute: 60,
    max_tokens_per_1_minute: unlimited,
    max_requests_per_1_day: unlimited,
  });
  const project = { requestsPerMinute: 5, tokensPerMinute: 9, requestsPerDay: null };
  expect(toOpenAiRateLimit(project, org)).toMatchObject({
    max_requests_per_1_minute: 5,
    max_tokens_per_1_minute: 9,
    max_requests_per_1_day: unlimited,
  });
  expect(toOpenAiRateLimit({ requestsPerMinute: 500 }, org).max_requests_per_1_minute).toBe(60);
});

test("a body sets the windows that it names, null lifts, and nothing is no change", () => {
  expect(readRateLimits({ max_requests_per_1_minute: 5, max_tokens_per_1_minute: null })).toEqual({
    requestsPerMinute: 5,
    tokensPerMinute: null,
  });
  for (const bad of [{}, { max_requests_per_1_minute: -1 }, { max_images_per_1_minute: 1 }])
    expect(OpenAiRateLimitUpdate.safeParse(bad).success).toBe(false);
});

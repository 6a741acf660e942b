import { nodePaths } from "#edge/agreements/paths.ts";
import worker from "#edge/worker.ts";
import type { Env } from "#edge/env.ts";

export { FleetObject, OrgLedger } from "#edge/worker.ts";

/**
 * The Worker with a clock that a request may set forward (`x-test-later-ms`) and a bucket that it may have fail
 * (`x-test-bucket: fails`), for itself and whatever runs beside it; and with the cron's chores at a path of its own,
 * since nothing rings for the cron on this machine.
 */
const readTime = Date.now;
const test = { laterMs: 0, bucketFails: false };
Date.now = () => readTime() + test.laterMs;

/** One environment for all requests, as the platform gives one: the wiring is known by it. */
let wrapped: Env | null = null;

function wrap(env: Env): Env {
  const bucket = env.RESPONSES;
  if (wrapped || !bucket) return wrapped ?? env;
  const failing = new Proxy(bucket, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return async (...given: unknown[]) => {
        if (test.bucketFails) throw new Error("the bucket is out of reach");
        return Reflect.apply(member, target, given) as unknown;
      };
    },
  });
  wrapped = { ...env, RESPONSES: failing };
  return wrapped;
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isAgents = Object.values<string>(nodePaths).includes(pathname);
    // What agents send at times of their own changes nothing for the call that a test is waiting for.
    if (!isAgents) test.laterMs = Number(request.headers.get("x-test-later-ms") ?? 0);
    if (!isAgents) test.bucketFails = request.headers.get("x-test-bucket") === "fails";
    const own = wrap(env);
    if (pathname !== "/test/chores") return worker.fetch(request, own, context);
    await worker.scheduled({} as ScheduledController, own);
    return new Response(null, { status: 204 });
  },
};

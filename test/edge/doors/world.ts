import { Hono } from "hono";
import { Refusal } from "#edge/errors.ts";
import { visitOf, type TestVisit } from "#test/support/fakes/visit.ts";

/** What a door is served with: ports as far as the test has them. */
interface TestEnv {
  Variables: { visit: TestVisit; wiring: { ports: unknown } };
}

/** A door as Hono takes it. */
export type Door = Hono<TestEnv>;

/** Where the files are that speak of the platform: the tests' own compiler settings do not know it. */
export async function importDoor<Exports>(name: "nodes" | "calls" | "site/site"): Promise<Exports> {
  const path: string = `#edge/doors/${name}.ts`;
  return (await import(path)) as Exports;
}

/** Sends one request through a door, as the app would; a refusal comes back beside the answer, unwritten. */
export async function serve(door: Door, ports: unknown, request: Request) {
  const visit = visitOf(request);
  let refusal: Refusal | null = null;
  const app = new Hono<TestEnv>();
  app.use(async (c, next) => {
    c.set("visit", visit);
    c.set("wiring", { ports });
    await next();
  });
  app.route("/", door);
  app.onError((failure, c) => {
    if (!(failure instanceof Refusal)) throw failure;
    refusal = failure;
    return c.body(null, 500);
  });
  const response = await app.fetch(request);
  return { response, visit, refusal: refusal as Refusal | null };
}

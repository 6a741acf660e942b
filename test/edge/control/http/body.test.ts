import { OpenAPIHono, z } from "@hono/zod-openapi";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { discardedBytesMax } from "#edge/limits.ts";
import { refuseInvalid, takeBody } from "#edge/control/http/body.ts";
import { defineOpenEndpoint, describeJsonAnswer, describeJsonBody } from "#edge/control/http/endpoint.ts";
import type { ControlEnv } from "#edge/control/http/port.ts";
import { Refusal } from "#edge/errors.ts";

const Body = z.strictObject({ deep: z.strictObject({ list: z.array(z.strictObject({ n: z.int() })) }) });
const [route, answer] = defineOpenEndpoint(
  {
    method: "post",
    path: "/{id}",
    request: { params: z.object({ id: z.string().length(1) }), body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("", z.object({ ok: z.boolean() })) },
  },
  (c) => c.json({ ok: c.req.valid("json").deep !== undefined }, 200),
);

const app = new Hono();
const routes = new OpenAPIHono<ControlEnv>({ defaultHook: refuseInvalid });
routes.use(takeBody);
routes.openapi(route, answer);
app.route("/", routes);
app.onError((failure, c) =>
  failure instanceof Refusal
    ? c.json({ code: failure.code, param: failure.details.param, message: failure.details.message })
    : c.json({ code: `internal ${failure}` }),
);

const post = async (
  body: RequestInit["body"],
  path = "/x",
  headers: Record<string, string> = { "content-type": "application/json" },
) => {
  const answered = await app.request(path, {
    method: "POST",
    body: body ?? null,
    headers,
    duplex: "half",
  } as RequestInit);
  return (await answered.json()) as { code?: string; ok?: boolean; param?: string; message?: string };
};

describe("takeBody", () => {
  it("hands on a body that it let through, whatever its chunks", async () => {
    const bytes = new TextEncoder().encode('{"deep":{"list":[{"n":1}]}} ');
    const chunks = new ReadableStream({
      start: (sink) => (bytes.forEach((byte) => sink.enqueue(new Uint8Array([byte]))), sink.close()),
    });
    expect(await post(chunks)).toEqual({ ok: true });
    expect(await post(`\ufeff{"deep":{"list":[]}}`)).toEqual({ ok: true });
  });

  it("stops reading an endless body at the bound of what is discarded", async () => {
    let pulled = 0;
    const endless = new ReadableStream({ pull: (sink) => (pulled++, sink.enqueue(new Uint8Array(16_384).fill(32))) });
    expect(await post(endless)).toMatchObject({ code: "request_too_large" });
    expect(pulled * 16_384).toBeLessThan(discardedBytesMax + 4 * 16_384);
  });

  it("refuses a body without a media type", async () => {
    expect(await post(new TextEncoder().encode("{}"), "/x", {})).toMatchObject({
      code: "invalid_value",
      param: "content-type",
    });
  });
});

describe("refuseInvalid", () => {
  it("names the field by its path", async () => {
    expect(await post('{"deep":{"list":[{"n":1},{"n":"2"}]}}')).toMatchObject({
      code: "invalid_value",
      param: "deep.list[1].n",
    });
    expect(await post('{"deep":{"list":[{"n":1,"m":2}]}}')).toMatchObject({
      param: "deep.list[0].m",
      message: "'deep.list[0].m' is not a field here, or may not be set.",
    });
  });

  it("answers an id that cannot be as one that is not", async () => {
    expect(await post('{"deep":{"list":[]}}', "/xx")).toMatchObject({ code: "not_found" });
  });

  it("never says more of a hostile name than a line's worth, and cleans it as a call's is", async () => {
    const refused = await post(JSON.stringify({ ["x".repeat(9_999)]: 1, deep: { list: [] } }));
    expect(refused.param?.length).toBeLessThanOrEqual(300);
    expect(refused.message?.length).toBeLessThan(400);
    for (const [name, shown] of [
      ["<script>alert(1)</script>", "?script?alert?1???script?"],
      ["a\u202eb\nc", "a?b?c"],
    ] as const) {
      const answered = await post(JSON.stringify({ deep: { list: [] }, [name]: 1 }));
      expect([answered.param, answered.message]).toEqual([shown, `'${shown}' is not a field here, or may not be set.`]);
    }
  });
});

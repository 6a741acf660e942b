import { expect, it } from "vitest";
import { z } from "zod";
import { endpoint, jsonAnswer, jsonBody } from "#edge/control/http/endpoint.ts";

it("keeps a route and its answer together, as the table of contents hangs them in", () => {
  const route = { method: "get", path: "/", responses: { 200: { description: "" } } } as const;
  const answer = () => new Response();
  expect(endpoint(route, answer)).toEqual([route, answer]);
});

it("demands the bodies it describes", () => {
  const schema = z.strictObject({});
  expect(jsonBody(schema)).toEqual({ required: true, content: { "application/json": { schema } } });
  expect(jsonAnswer("It.", schema)).toEqual({ description: "It.", content: { "application/json": { schema } } });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnthropicModelPage, buildAnthropicModel, pageModels } from "#edge/protocol/models/anthropic-page.ts";
import { modelOf } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const models = ["a", "b", "c", "d", "e"].map((id) => buildAnthropicModel(modelOf({ id }), id));
const page = (query: Record<string, string>) => pageModels(models, new URLSearchParams(query));
const ids = (query: Record<string, string>) => page(query).data.map(({ id }) => id);

test("a model is described as Anthropic's are, with its time in RFC 3339", () => {
  const model = modelOf({ displayName: "Qwen", createdAtMs: 1_760_000_000_000 });
  expect(buildAnthropicModel(model, "chat")).toEqual({
    type: "model",
    id: "chat",
    display_name: "Qwen",
    created_at: "2025-10-09T08:53:20.000Z",
    max_input_tokens: 8_192,
    max_tokens: 4_096,
  });
});

describe("a page", () => {
  test.each([
    [{}, ["a", "b", "c", "d", "e"], false],
    [{ limit: "2" }, ["a", "b"], true],
    [{ limit: "5" }, ["a", "b", "c", "d", "e"], false],
    [{ after_id: "b", limit: "2" }, ["c", "d"], true],
    [{ after_id: "c", limit: "2" }, ["d", "e"], false],
    [{ after_id: "e" }, [], false],
    [{ before_id: "d", limit: "2" }, ["b", "c"], true],
    [{ before_id: "b", limit: "2" }, ["a"], false],
    [{ before_id: "a" }, [], false],
  ] as const)("for %j is %j", (query, expected, hasMore) => {
    const found = AnthropicModelPage.parse(page(query));
    expect(found.data.map(({ id }) => id)).toEqual(expected);
    expect(found).toMatchObject({ has_more: hasMore, first_id: expected[0] ?? null, last_id: expected.at(-1) ?? null });
  });

  test("after page, from either end, shows every model once and in order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), (limit) => {
        const forth: string[] = [];
        for (let next: ReturnType<typeof page> | null = page({ limit: `${limit}` }); next;) {
          forth.push(...next.data.map(({ id }) => id));
          next = next.has_more ? page({ limit: `${limit}`, after_id: next.last_id ?? "" }) : null;
        }
        const back: string[] = [];
        for (let next: ReturnType<typeof page> | null = page({ limit: `${limit}`, before_id: "e" }); next;) {
          back.unshift(...next.data.map(({ id }) => id));
          next = next.has_more ? page({ limit: `${limit}`, before_id: next.first_id ?? "" }) : null;
        }
        expect(forth).toEqual(["a", "b", "c", "d", "e"]);
        expect(back).toEqual(["a", "b", "c", "d"]);
      }),
    );
  });

  test.each([
    [{ limit: "0" }, "limit"],
    [{ limit: "1001" }, "limit"],
    [{ limit: "-1" }, "limit"],
    [{ limit: "" }, "limit"],
    [{ limit: "2.5" }, "limit"],
    [{ after_id: "x" }, "after_id"],
    [{ before_id: "" }, "before_id"],
    [{ after_id: "a", before_id: "c" }, "before_id"],
  ] as const)("for %j is refused by name", async (query, param) => {
    await expectRefusal(() => ids(query), "invalid_value", param);
  });
});

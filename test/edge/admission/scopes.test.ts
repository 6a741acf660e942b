import { describe, expect, test } from "vitest";
import { confirm, hideModel, introspect, narrowScopes } from "#edge/admission/scopes.ts";
import type { Credential } from "#edge/agreements/tokens/credential.ts";
import { buildErrorBody, buildErrorHeaders, Refusal } from "#edge/errors.ts";
import type { Denial, Ledger, Scopes } from "#edge/ledger/port.ts";
import { refuseModel } from "#edge/protocol/openai/models.ts";
import { chatModel, embeddingModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";

const credential: Credential = { org: "org_0123456789", key: "key_0123456789abcdef", digests: [], ip: null };
const any = { endpoints: null, models: null };
const keyScopes = (over: Partial<Scopes> = {}): Scopes => ({ kind: "scopes", ...any, ...over });

/** A ledger that only tells scopes, and counts how often it is asked. */
function scopedLedger(answer: Scopes | Denial | Error) {
  let asks = 0;
  const away = () => Promise.reject(new Error("not in the script"));
  const tell = async () => {
    asks++;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const [admit, cancelWait, settle, settleAll, release, lease, closeLease, publish, inspect] = Array.from(
    { length: 9 },
    () => away,
  );
  const ledger = {
    admit,
    cancelWait,
    introspect: tell,
    settle,
    settleAll,
    release,
    lease,
    closeLease,
    publish,
    inspect,
  } as Ledger;
  return { ledger, countAsks: () => asks };
}

describe("an introspection", () => {
  test("answers the key's scopes, then the token's", async () => {
    const key = keyScopes({ models: ["small"] });
    const token = { endpoints: ["embeddings" as const], models: null };
    const { ledger } = scopedLedger(key);
    expect(await introspect(ledger, credential)).toEqual([key]);
    expect(await introspect(ledger, { ...credential, token })).toEqual([key, token]);
  });

  test("is refused like a call: the key, the endpoint, a ledger out of reach", async () => {
    const refused = scopedLedger({ kind: "denial", reason: "key" }).ledger;
    await expectRefusal(() => introspect(refused, credential), "invalid_api_key");
    const narrow = scopedLedger(keyScopes({ endpoints: ["embeddings"] })).ledger;
    await expectRefusal(() => introspect(narrow, credential, "models"), "insufficient_permissions");
    expect(await introspect(narrow, credential, "embeddings")).toHaveLength(1);
    const token = { endpoints: ["chat.completions" as const], models: null };
    const wide = scopedLedger(keyScopes()).ledger;
    await expectRefusal(() => introspect(wide, { ...credential, token }, "models"), "insufficient_permissions");
    const { ledger } = scopedLedger(new Error("away"));
    const refusal = await expectRefusal(() => introspect(ledger, credential), "quota_unavailable");
    expect([buildErrorHeaders(refusal)["retry-after-ms"], refusal.message]).toEqual(["1000", "ledger out of reach"]);
  });
});

describe("a call for which nothing is held", () => {
  const call = { endpoint: "ollama.chat" as const, model: chatModel, named: { name: "chat", id: chatModel.id } };
  const hear = (scopes: Scopes | Denial) => confirm(scopedLedger(scopes).ledger, credential, call);

  test("needs a key in force, its endpoint and its model, in this order", async () => {
    await hear(keyScopes());
    await hear(keyScopes({ endpoints: ["ollama.chat"], models: [chatModel.id] }));
    await expectRefusal(() => hear({ kind: "denial", reason: "key" }), "invalid_api_key");
    await expectRefusal(
      () => hear(keyScopes({ endpoints: ["chat.completions"], models: [] })),
      "insufficient_permissions",
    );
    await expectRefusal(() => hear(keyScopes({ models: [embeddingModel.id] })), "model_not_found", "model");
  });
});

describe("what tells of a model", () => {
  const about = { name: "chat", id: chatModel.id };
  const tooLong = new Refusal("context_length_exceeded", { message: "This model's context is 8192 tokens.", about });
  const hear = (scopes: Scopes | Denial, failure: unknown, token?: Credential["token"]) =>
    refusedBy(() =>
      hideModel(scopedLedger(scopes).ledger, { ...credential, ...(token && { token }) }, "chat.completions", failure),
    );

  test("is heard by those who may use it", async () => {
    expect(await hear(keyScopes(), tooLong)).toBe(tooLong);
    expect(await hear(keyScopes({ models: [chatModel.id] }), tooLong)).toBe(tooLong);
  });

  test("is for everybody else as if there were none, be it for the key's scopes or the token's", async () => {
    const unknown = new Refusal("model_not_found", { about: { name: "chat", id: null } });
    const none = buildErrorBody(refuseModel("chat"));
    expect(buildErrorBody(await hear(keyScopes({ models: [embeddingModel.id] }), tooLong))).toEqual(none);
    expect(buildErrorBody(await hear(keyScopes(), tooLong, { ...any, models: [embeddingModel.id] }))).toEqual(none);
    expect(buildErrorBody(await hear(keyScopes(), unknown))).toEqual(none);
  });

  test("comes after the key and the endpoint, whatever the model", async () => {
    for (const failure of [tooLong, new Refusal("model_not_found", { about: { name: "x", id: null } })]) {
      expect((await hear({ kind: "denial", reason: "key" }, failure)).code).toBe("invalid_api_key");
      expect((await hear({ kind: "denial", reason: "ip" }, failure)).code).toBe("ip_not_authorized");
      const narrow = keyScopes({ endpoints: ["embeddings"], models: [] });
      expect((await hear(narrow, failure)).code).toBe("insufficient_permissions");
    }
  });

  test("what tells of none costs the ledger nothing", async () => {
    const { ledger, countAsks } = scopedLedger(keyScopes());
    const malformed = new Refusal("invalid_json");
    expect(await refusedBy(() => hideModel(ledger, credential, "embeddings", malformed))).toBe(malformed);
    await expect(hideModel(ledger, credential, "embeddings", new TypeError("ours"))).rejects.toThrow("ours");
    expect(countAsks()).toBe(0);
  });
});

describe("the scopes of a token", () => {
  const key = keyScopes({ endpoints: ["embeddings", "models"], models: [embeddingModel.id] });

  test("are what is wished for, models by their ids, and null where nothing is", () => {
    expect(narrowScopes([key], {}, testModels)).toEqual(any);
    const wish = { endpoints: ["embeddings" as const], models: ["embed"] };
    expect(narrowScopes([key], wish, testModels)).toEqual({ ...wish, models: [embeddingModel.id] });
  });

  test("are never wider than the key's, and the wish for more is named", async () => {
    const wide = { endpoints: ["models" as const, "chat.completions" as const] };
    const refusal = await expectRefusal(
      () => narrowScopes([key], wide, testModels),
      "insufficient_permissions",
      "endpoints[1]",
    );
    expect(refusal.details.message).toContain("'chat.completions'");
    for (const name of ["chat", chatModel.id, "none"]) {
      const hidden = await refusedBy(() => narrowScopes([key], { models: ["embed", name] }, testModels));
      expect(buildErrorBody(hidden)).toEqual(buildErrorBody(refuseModel(name, "models[1]")));
    }
  });
});

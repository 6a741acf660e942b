import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { type World } from "#test/support/stack/world.ts";

let own: OwnStack;
let world: World;

beforeAll(async () => {
  own = await openOwnStack({ agentLimits: { streamIdleMsMax: 2_000 } });
  world = own.world;
});
afterAll(() => own.close());

/** What vLLM takes and the SDK's types do not know. */
const asked = { model: "chat", input: "Tell me a story", max_output_tokens: 6, temperature: 0, ignore_eos: true };
/** The engine's events of such a stream: role, six tokens, finish, usage, `[DONE]`. */
const chunks = 9;

const client = (key: string) => new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: key, maxRetries: 0 });

/** Reads a stream through the official SDK: the types of its events, and what it threw. */
async function read(
  key: string,
): Promise<{ types: string[]; thrown: unknown; failed: OpenAI.Responses.Response | null }> {
  const types: string[] = [];
  let failed: OpenAI.Responses.Response | null = null;
  try {
    for await (const event of await client(key).responses.create({ ...asked, stream: true })) {
      types.push(event.type);
      if (event.type === "response.failed") failed = event.response;
    }
    return { types, thrown: null, failed };
  } catch (thrown) {
    return { types, thrown, failed };
  }
}

/** Every line of the bill is what the engine made, and what its response said; nothing stays held. */
async function expectExactBill(org: string, failures: OpenAI.Responses.Response[]): Promise<void> {
  const rows = await world.settled(org);
  for (const { id, usage } of failures) {
    const row = rows.find(({ hold }) => hold === id.replace("resp_", "hold_"));
    const used = usage && { input: usage.input_tokens, output: usage.output_tokens };
    expect(used ?? "nothing made").toEqual(
      row?.completionTokens === 0 ? "nothing made" : { input: row?.promptTokens, output: row?.completionTokens },
    );
  }
  for (const row of rows) {
    // Of a call that was tried on two nodes, one made nothing.
    const made = await world.made(String(row["hold"]));
    expect(row.completionTokens).toBe(made.reduce((sum, { emittedTokens }) => sum + emittedTokens, 0));
  }
}

const isEnd = (type: string) => type === "response.completed" || type === "response.incomplete";

describe("an engine that breaks a streamed response", () => {
  for (const kind of ["cut", "error-event"]) {
    test(`by ${kind}, at any event: the SDK throws, nothing is complete, the bill is exact`, async () => {
      const org = await world.newOrg();
      const whole = await read(org.key);
      expect([whole.thrown, whole.types.filter(isEnd).length]).toEqual([null, 1]);
      const failures: OpenAI.Responses.Response[] = [];
      for (let at = 0; at < chunks; at++) {
        await world.fault({ kind, afterChunks: at, times: 1 }, 0);
        const { types, thrown, failed } = await read(org.key);
        await world.clearFaults();
        // An error in front of everything is no answer yet: another node gives the whole of one.
        if (kind === "error-event" && at === 0 && thrown === null) continue;
        expect(thrown, `${kind} before event ${at}`).toBeInstanceOf(Error);
        expect(types.filter(isEnd), `${kind} before event ${at}`).toEqual([]);
        // Where the answer had begun, its own event says how it stood, and what it cost.
        if (types.length > 0) {
          expect(types.at(-1)).toBe("response.failed");
          expect(failed).toMatchObject({ status: "failed", error: { code: "server_error" } });
          if (failed) failures.push(failed);
        }
      }
      expect(failures.length).toBeGreaterThan(5);
      await expectExactBill(org.id, failures);
    });
  }

  test("makes the stream helper reject as well, with what was told", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", afterChunks: 4, times: 1 }, 0);
    const stream = client(org.key).responses.stream(asked);
    await expect(stream.finalResponse()).rejects.toThrow("The node failed in the middle of its answer.");
  });

  test("by falling silent: the failure says what was used, as the bill does", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "stall", afterChunks: 3, times: 1 }, 0);
    const { thrown, failed } = await read(org.key);
    expect(thrown).toMatchObject({ code: "stream_broken" });
    const [row] = await world.settled(org.id);
    expect(failed?.usage).toMatchObject({ input_tokens: row?.promptTokens, output_tokens: row?.completionTokens });
    expect(row?.completionTokens).toBe(2);
  });

  test("before a whole answer: a refusal, never half a response", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "cut", afterChunks: 4, times: 9 });
    await expect(client(org.key).responses.create(asked)).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    await world.clearFaults();
  });

  // The last, since nobody starts that engine again.
  test("by dying: the SDK throws, and the bill is what the caller was told of", async () => {
    const org = await world.newOrg();
    await world.fault({ kind: "kill", afterChunks: 4, times: 1 }, 0);
    const { types, thrown, failed } = await read(org.key);
    expect(thrown).toMatchObject({ code: "stream_broken" });
    expect(types.filter((type) => type === "response.output_text.delta")).toHaveLength(3);
    const [row] = await world.settled(org.id);
    expect(row).toMatchObject({ end: "failed", completionTokens: 3 });
    expect(failed?.usage).toMatchObject({ input_tokens: row?.promptTokens, output_tokens: 3 });
  });
});

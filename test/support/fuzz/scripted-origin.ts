import { digestBody } from "#edge/agreements/digest.ts";
import { callPathNames, isMedia, tokenizerPaths, type CallPath, type TokenizerPath } from "#edge/agreements/paths.ts";
import { writeLoad, loadHeader } from "#edge/agreements/records/node.ts";
import { verifyHop, type HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { speechTypes } from "#edge/protocol/media/formats.ts";
import { wires } from "#edge/protocol/wires/wires.ts";
import { prepareMedia } from "#origin/calls/media/index.ts";
import { prepareCall } from "#origin/calls/prepare.ts";
import { answerTokenizer } from "#origin/door/tokenizer.ts";
import { dialects } from "#origin/engines/dialects.ts";
import type { Engine } from "#origin/engines/http/client.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { saltKey } from "#test/support/fakes/origin.ts";

/** What an origin was asked of a call, and what it would have asked its engine. */
export interface OriginCall {
  claims: HopClaims;
  /** As the engine gets it; null for what a tokenizer is asked. */
  engineBody: object | null;
}

/** An origin without HTTP: it reads what the edge sends as an agent does, and answers without an engine. */
export interface ScriptedOrigin {
  calls: OriginCall[];
  /** What the agent refused, though the edge had let it through; and what it threw. */
  failures: unknown[];
  fetch(url: string, init: { headers: Record<string, string>; body: Uint8Array }): Promise<Response>;
}

const load = { [loadHeader]: writeLoad({ running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 }) };
const tokens = { count: 3, max_model_len: 100, tokens: [1, 2, 3], token_strs: ["a", "b", "c"], prompt: "abc" };

/** An engine that has every model under its own name, and a tokenizer that always answers the same. */
const engine: Engine = {
  config: {
    kind: "vllm",
    url: "http://127.0.0.1:1",
    models: Object.fromEntries(testModels.map(({ id }) => [id, `own/${id}`])),
  } as Engine["config"],
  dialect: dialects.vllm,
  request: () => Promise.reject(new Error("no engine here")),
  requestText: async () => ({ status: 200, text: JSON.stringify(tokens) }),
  close: () => undefined,
};
/** The same of an engine that speaks and paints. */
const mediaEngine: Engine = { ...engine, dialect: dialects.openai };
type Pool = Parameters<typeof answerTokenizer>[0]["pool"];
const pool = { findServing: () => ({ engine }) } as unknown as Pool;

/** Opens the origin of one node. */
export function openScriptedOrigin(node: string): ScriptedOrigin {
  const keys = nodeKeysOf(node).hop;
  const origin: ScriptedOrigin = {
    calls: [],
    failures: [],
    async fetch(url, { headers, body: bytes }) {
      const body = Buffer.from(bytes);
      try {
        const claims = verifyHop(String(headers["authorization"]).slice("Bearer ".length), keys);
        if (claims?.bodySha256 !== digestBody(body)) throw new Error("not a token for this body");
        return await answer(origin, { path: new URL(url).pathname, claims, body });
      } catch (failure) {
        origin.failures.push(failure);
        const status = failure instanceof Refusal ? failure.status : 500;
        return Response.json({}, { status, headers: load });
      }
    },
  };
  return origin;
}

interface Asked {
  path: string;
  claims: HopClaims;
  body: Buffer;
}

async function answer(origin: ScriptedOrigin, { path, claims, body }: Asked): Promise<Response> {
  const isTokenizer = (one: string): one is TokenizerPath => Object.values<string>(tokenizerPaths).includes(one);
  const isCall = (one: string): one is CallPath => callPathNames.some((name) => name === one);
  if (isTokenizer(path)) {
    origin.calls.push({ claims, engineBody: null });
    return Response.json(await answerTokenizer({ pool }, path, { claims, body }), { headers: load });
  }
  if (!isCall(path) || claims.endpoint === "models") throw new Error(`no such path: ${path}`);
  const prepared = isMedia(path)
    ? await prepareMedia({ body, path, claims, engine: mediaEngine, contentType: "application/json" })
    : prepareCall({ body, path, claims, engine, cacheSaltKey: saltKey });
  origin.calls.push({ claims, engineBody: prepared.body });
  if (claims.endpoint === "audio.speech") {
    // A node answers with the form that was asked for, or its own.
    const asked = Object.entries(speechTypes).find(([format]) => format === prepared.media?.format);
    const form = asked?.[1] ?? speechTypes.mp3;
    return new Response("sound", { headers: { ...load, "content-type": form } });
  }
  const type = prepared.isStream ? wires[claims.endpoint].stream.contentType : "application/json";
  return new Response("{}\n", { headers: { ...load, "content-type": type } });
}

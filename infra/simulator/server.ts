import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { generateAnswer, type CallContext } from "./calls/generate-answer.ts";
import { ChatSerializer, CompletionSerializer, readChat, readCompletion, scorePairs } from "./calls/index.ts";
import { ActiveFaults, type FaultRule } from "./faults.ts";
import { resolveOptions, type SimulatorSettings, type SimulatorOptions } from "./options.ts";
import { makeReport, type OracleRecord, type OracleReport } from "./text/oracle.ts";
import {
  answerDetokenize,
  answerTokenize,
  answerMetrics,
  answerVersion,
  describeTokenizer,
  embedInputs,
  listModels,
} from "./plain-routes.ts";
import { answerMedia, mediaOutputs } from "./media/answer-media.ts";
import { readBody, readForm, refuse, send, sendJson, statusBody } from "./exchange.ts";
import { Problem } from "./problems.ts";
import { ServedModels } from "./served-model.ts";
import { SetAnswers } from "./set-answers.ts";
import { makeSimRoutes, type SimulatorRoute } from "./sim-routes.ts";
import { StreamWriter } from "./calls/stream-writer.ts";

/** A running simulator. */
export interface Simulator {
  readonly url: string;
  readonly models: ServedModels;
  readonly faults: ActiveFaults;
  /** What really happened, call by call. */
  oracle(): OracleReport;
  /** Stops at once: every socket is destroyed. */
  close(): Promise<void>;
}

/** Starts a simulator of vLLM's OpenAI server; resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = resolveOptions(options);
  const app = new SimulatorApp(settings);
  const server = createServer((request, response) => void app.serve(request, response));
  // Storms open a thousand connections at a time, and idle ones must not be closed under a pooled client's hands.
  server.keepAliveTimeout = 65_000;
  app.onKill = () => {
    server.closeAllConnections();
    server.close();
    settings.onKill();
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: settings.port, host: settings.host, backlog: 4_096 }, resolve);
  });
  return {
    url: `http://${settings.host}:${readPort(server)}`,
    models: app.models,
    faults: app.faults,
    oracle: () => makeReport(app.records),
    close: () =>
      new Promise((resolve) => {
        for (const { engine } of app.models.all) engine.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readPort(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A call whose body has been read. */
interface ReceivedCall {
  path: string;
  raw: Record<string, unknown>;
  response: ServerResponse;
  record: OracleRecord;
  rules: readonly FaultRule[];
  /** Fires when the caller has left. */
  signal: AbortSignal;
}

const rankPaths = ["/rerank", "/v1/rerank", "/v2/rerank", "/score", "/v1/score"];
const mediaPaths = Object.keys(mediaOutputs);
const callPaths = new Set(["/v1/chat/completions", "/v1/completions", "/v1/embeddings", ...rankPaths, ...mediaPaths]);

class SimulatorApp {
  readonly models: ServedModels;
  readonly faults = new ActiveFaults();
  readonly answers = new SetAnswers();
  readonly records: OracleRecord[] = [];
  onKill: () => void = () => {};
  readonly #settings: SimulatorSettings;
  readonly #startedAtMs: number;
  readonly #routes: ReadonlyMap<string, Readonly<Record<string, SimulatorRoute>>>;

  constructor(settings: SimulatorSettings) {
    this.#settings = settings;
    this.models = new ServedModels(settings);
    this.#startedAtMs = settings.clock.now();
    for (const rule of settings.faults) this.faults.add(rule);
    this.#routes = this.#makeRoutes();
  }

  #makeRoutes(): ReadonlyMap<string, Readonly<Record<string, SimulatorRoute>>> {
    const hasVectors = this.models.all.some(({ speech }) => speech === "vectors");
    const hasScores = this.models.all.some(({ speech }) => speech === "scores");
    const hasAnswers = this.models.all.some(({ speech }) => speech === "prose" || speech === "sql");
    const call: SimulatorRoute = (request, response, path) => this.#serveCall(request, response, path);
    const answer =
      (write: typeof answerTokenize): SimulatorRoute =>
      async (request, response) =>
        sendJson(response, 200, write(await readBody(request), this.models));
    const empty: SimulatorRoute = (_, response) => void response.writeHead(200, { "content-length": 0 }).end();
    return new Map<string, Record<string, SimulatorRoute>>([
      ...(hasAnswers
        ? [["/v1/chat/completions", { POST: call }] as const, ["/v1/completions", { POST: call }] as const]
        : []),
      ...(hasScores ? rankPaths.map((path) => [path, { POST: call }] as const) : []),
      ...mediaPaths
        .filter((path) => this.models.all.some(({ speech }) => speech === mediaOutputs[path]))
        .map((path) => [path, { POST: call }] as const),
      ...(hasVectors ? [["/v1/embeddings", { POST: call }] as const] : []),
      ["/v1/models", { GET: (_, response) => sendJson(response, 200, listModels(this.models, this.#startedAtMs)) }],
      ["/tokenize", { POST: answer(answerTokenize) }],
      ["/detokenize", { POST: answer(answerDetokenize) }],
      ["/tokenizer_info", { GET: (_, response) => sendJson(response, 200, describeTokenizer()) }],
      ["/health", { GET: empty }],
      ["/ping", { GET: empty, POST: empty }],
      ["/load", { GET: (_, response) => sendJson(response, 200, '{"server_load":0}') }],
      ["/version", { GET: (_, response) => sendJson(response, 200, answerVersion()) }],
      [
        "/metrics",
        { GET: (_, response) => this.#sendMetrics(response), HEAD: (_, response) => this.#sendMetrics(response) },
      ],
      ...makeSimRoutes(this),
    ]);
  }

  async serve(request: IncomingMessage, response: ServerResponse) {
    response.setHeader("server", "uvicorn");
    response.setHeader("vary", "Origin");
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const methods = this.#routes.get(path);
    const route = methods?.[request.method ?? "GET"];
    try {
      if (this.#isBarred(request, path)) return sendJson(response, 401, '{"error":"Unauthorized"}');
      if (
        !callPaths.has(path) &&
        !path.startsWith("/sim/") &&
        (await this.#applyFaults(response, this.faults.draw(path, [], false)))
      )
        return;
      if (!methods && this.#routes.has(path.replace(/\/$/, "")))
        return void response.writeHead(307, { location: path.slice(0, -1), "content-length": 0 }).end();
      if (!methods) return sendJson(response, 404, '{"detail":"Not Found"}');
      if (route) return await route(request, response, path);
      response.setHeader("allow", Object.keys(methods).join(", "));
      sendJson(response, 405, '{"detail":"Method Not Allowed"}');
    } catch (cause) {
      refuse(response, cause);
    }
  }

  /** As `--api-key` guards: only under `/v1`. */
  #isBarred({ headers }: IncomingMessage, path: string): boolean {
    const { apiKey } = this.#settings;
    return apiKey !== null && path.startsWith("/v1/") && headers.authorization !== `Bearer ${apiKey}`;
  }

  async #serveCall(request: IncomingMessage, response: ServerResponse, path: string) {
    const record = this.#openRecord(request, path);
    const leaving = new AbortController();
    response.on("close", () => leaving.abort());
    let isStream = false;
    try {
      const isForm = mediaOutputs[path] === "transcripts";
      const raw = await (isForm ? readForm(request) : readBody(request));
      const model = this.models.all.find(({ names }) => names.includes(String(raw["model"] ?? "")));
      record.model = model?.name ?? String(raw["model"] ?? "");
      const rules = this.faults.draw(path, model?.names ?? [], true);
      if (await this.#applyFaults(response, rules)) {
        record.status = response.statusCode;
        return void this.#closeRecord(record, "refused");
      }
      isStream = raw["stream"] === true;
      await this.#answer({ path, raw, response, record, rules, signal: leaving.signal });
    } catch (cause) {
      record.status = cause instanceof Problem ? cause.status : 500;
      this.#closeRecord(record, "refused");
      refuse(response, cause, isStream);
    }
  }

  async #answer({ path, raw, response, record, rules, signal }: ReceivedCall) {
    const { clock, tokensPerChunk } = this.#settings;
    const context: CallContext = {
      rules,
      record,
      tokensPerChunk,
      now: () => clock.now(),
      sleep: (ms) => clock.sleep(ms, signal),
      kill: () => this.onKill(),
      isLeft: () => signal.aborted,
    };
    const openWriter = (events: ConstructorParameters<typeof StreamWriter>[2]) =>
      new StreamWriter(response, rules, events);
    if (path === "/v1/chat/completions") {
      const free = readChat(raw, this.models, record.requestId);
      const script = this.answers.take(raw);
      const callRequest = script ? { ...free, scriptFor: () => script, thinkingTokens: 0 } : free;
      return generateAnswer(callRequest, new ChatSerializer(callRequest, rules, clock.now()), openWriter, context);
    }
    if (path === "/v1/completions") {
      const callRequest = readCompletion(raw, this.models, record.requestId);
      return generateAnswer(
        callRequest,
        new CompletionSerializer(callRequest, rules, clock.now()),
        openWriter,
        context,
      );
    }
    const writer = openWriter({
      onEnd: (how) => this.#closeRecord(record, how),
      onStall: () => {},
      onKill: () => this.onKill(),
    });
    if (mediaOutputs[path]) {
      const how = await answerMedia({ path, raw, models: this.models, record, writer }, context);
      return this.#closeRecord(record, how);
    }
    const read = rankPaths.includes(path) ? scorePairs : embedInputs;
    const body = await read(raw, this.models, { record, signal, nowMs: clock.now() });
    if (body === null) this.#closeRecord(record, "cancelled");
    else if (writer.whole(200, body)) this.#closeRecord(record, "completed");
  }

  /** The faults that strike before anything is read: true when one has answered. */
  async #applyFaults(response: ServerResponse, rules: readonly FaultRule[]): Promise<boolean> {
    const slow = rules.find(({ kind }) => kind === "slow-headers");
    if (slow) await this.#settings.clock.sleep(slow.ms ?? 1_000);
    const garbage = rules.find(({ kind }) => kind === "garbage");
    if (garbage) sendJson(response, garbage.status ?? 200, garbage.body ?? "<html><body>Bad gateway</body></html>");
    const bare = garbage ? undefined : rules.find(({ kind }) => kind === "status");
    if (bare) sendJson(response, bare.status ?? 500, bare.body ?? statusBody(bare.status ?? 500));
    return garbage !== undefined || bare !== undefined;
  }

  #openRecord({ headers }: IncomingMessage, path: string): OracleRecord {
    const requestId = headers["x-request-id"];
    const record: OracleRecord = {
      id: "",
      requestId: typeof requestId === "string" ? requestId : null,
      path,
      model: "",
      status: 200,
      promptTokens: 0,
      cachedTokens: 0,
      generatedTokens: 0,
      emittedTokens: 0,
      finishReasons: [],
      outcome: "open",
      startedAtMs: Math.round(this.#settings.clock.now()),
      endedAtMs: null,
    };
    this.records.push(record);
    return record;
  }

  #closeRecord(record: OracleRecord, outcome: OracleRecord["outcome"]) {
    if (record.outcome !== "open") return;
    record.outcome = outcome;
    record.endedAtMs = Math.round(this.#settings.clock.now());
  }

  #sendMetrics(response: ServerResponse) {
    send(response, 200, "text/plain; version=0.0.4; charset=utf-8", answerMetrics(this.models));
  }
}

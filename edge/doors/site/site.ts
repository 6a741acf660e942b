import { Hono } from "hono";
import { serveTokenizer } from "../../count-pipeline.ts";
import { mintToken, serveModels } from "../../key-pipeline.ts";
import type { TokenizerTask } from "../../protocol/tokenizer/call.ts";
import { readHealth } from "../../routing/index.ts";
import { openAiAdminPrefix } from "../../control/http/open-api.ts";
import { control, controlPrefix, openAiAdmin, signIn, signInPrefix } from "../control.ts";
import { takeLeaks } from "../../control/http/leaks.ts";
import { writeOpenApi } from "../open-api/document.ts";
import type { DoorEnv } from "../port.ts";
import { sitePaths } from "../site-paths.ts";
import { serveOllama } from "./ollama.ts";
import { serveResponses } from "./responses.ts";
import { answerWelcome } from "./welcome.ts";

/** Where a model's tokenizer is asked, and what. */
const tokenizerTasks: readonly [method: "GET" | "POST", path: string, task: TokenizerTask][] = [
  ["POST", sitePaths.countMessages, "countMessages"],
  ["POST", sitePaths.countResponse, "countResponse"],
  ["POST", sitePaths.tokenize, "tokenize"],
  ["POST", sitePaths.detokenize, "detokenize"],
  ["GET", sitePaths.tokenizerInfo, "describe"],
];

/** Everything that is neither a call to a model nor a node's: lists, tokens, health, documents, the control plane. */
export function openSiteDoor(): Hono<DoorEnv> {
  const app = new Hono<DoorEnv>();
  let document: ReturnType<typeof writeOpenApi> | null = null;

  app.get(sitePaths.welcome, (c) => answerWelcome(c.req.raw));
  app.get(sitePaths.openApi, (c) => c.json((document ??= writeOpenApi())));

  app.get(sitePaths.models, async (c) => c.json(await serveModels(c.var.visit, null, c.var.wiring.ports)));
  app.get(`${sitePaths.models}/:id{.+}` as const, async (c) =>
    c.json(await serveModels(c.var.visit, c.req.param("id"), c.var.wiring.ports)),
  );
  for (const [method, path, task] of tokenizerTasks) {
    app.on(method, path, async (c) => {
      const { body, headers } = await serveTokenizer(c.var.visit, task, c.var.wiring.ports);
      return c.json(body, 200, headers);
    });
  }
  app.post(sitePaths.clientTokens, async (c) => c.json(await mintToken(c.var.visit, c.var.wiring.ports), 201));

  serveResponses(app);
  serveOllama(app);

  app.post(sitePaths.leaks, async (c) => c.json(await takeLeaks(c.var.visit, c.var.wiring.control)));

  app.get(sitePaths.livez, (c) => c.json({ status: "alive" }));
  app.get(sitePaths.readyz, (c) => c.json({ status: "ready" }));
  app.get(sitePaths.health, async (c) => {
    const { fleet, models } = c.var.wiring.ports;
    await fleet.refresh(c.var.visit.now())?.catch(() => c.var.visit.log("fleet_unreadable"));
    const health = readHealth(fleet.view(c.var.visit.now()), models);
    return c.json(health, health.status === "unhealthy" ? 503 : 200);
  });
  app.route(controlPrefix, control);
  app.route(openAiAdminPrefix, openAiAdmin);
  app.route(signInPrefix, signIn);
  return app;
}

import type { Hono } from "hono";
import { introspect } from "../../admission/index.ts";
import { identify } from "../../identity/index.ts";
import { readJson } from "../../protocol/body.ts";
import { findAllowed } from "../../protocol/models/show.ts";
import { listRunning, listTags, ollamaVersion, showOllamaModel } from "../../protocol/ollama/models.ts";
import { readHealth } from "../../routing/index.ts";
import type { DoorEnv } from "../port.ts";
import { sitePaths } from "../site-paths.ts";

/** What Ollama's clients ask beside calls to models: which models there are, what one is, which are served. */
export function serveOllama(app: Hono<DoorEnv>): void {
  app.get(sitePaths.ollamaVersion, (c) => c.json({ version: ollamaVersion }));
  app.get(sitePaths.ollamaTags, async (c) => c.json(listTags((await findUsable(c.var)).usable)));
  app.post(sitePaths.ollamaShow, async (c) => {
    const { visit } = c.var;
    const { credential, usable } = await findUsable(c.var);
    const { json } = await readJson(visit.request, credential);
    return c.json(showOllamaModel(usable, json));
  });
  app.get(sitePaths.ollamaRunning, async (c) => {
    const { usable } = await findUsable(c.var);
    const { fleet } = c.var.wiring.ports;
    await fleet.refresh(c.var.visit.now())?.catch(() => c.var.visit.log("fleet_unreadable"));
    const views = fleet.view(c.var.visit.now());
    return c.json(listRunning(usable.filter((model) => readHealth(views, [model]).status === "healthy")));
  });
}

/** What Ollama's API can call; rankers, for instance, it knows nothing of. */
const callable: ReadonlySet<string> = new Set(["chat.completions", "embeddings"]);

/** Who asks, and the records of the models that their key may use; refused as the list of models is. */
async function findUsable({ visit, wiring: { ports } }: DoorEnv["Variables"]) {
  const credential = await identify(visit.request, ports, visit.now());
  const scopes = await introspect(ports.ledger, credential, "models");
  const usable = findAllowed(ports.models, scopes).filter(({ endpoints }) =>
    endpoints.some((one) => callable.has(one)),
  );
  return { credential, usable };
}

import type { Hono } from "hono";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { identify } from "../../identity/index.ts";
import { serveModels } from "../../key-pipeline.ts";
import { readJson } from "../../protocol/body.ts";
import { listRunning, listTags, ollamaVersion, showOllamaModel } from "../../protocol/ollama/models.ts";
import { readHealth } from "../../routing/index.ts";
import type { DoorEnv } from "../port.ts";
import { sitePaths } from "../site-paths.ts";

/** What Ollama's clients ask beside calls to models: which models there are, what one is, which are served. */
export function serveOllama(app: Hono<DoorEnv>): void {
  app.get(sitePaths.ollamaVersion, (c) => c.json({ version: ollamaVersion }));
  app.get(sitePaths.ollamaTags, async (c) => c.json(listTags(await findUsable(c.var))));
  app.post(sitePaths.ollamaShow, async (c) => {
    const usable = await findUsable(c.var);
    const { visit, wiring } = c.var;
    const { json } = await readJson(visit.request, await identify(visit.request, wiring.ports, visit.now()));
    return c.json(showOllamaModel(usable, json));
  });
  app.get(sitePaths.ollamaRunning, async (c) => {
    const usable = await findUsable(c.var);
    const { fleet } = c.var.wiring.ports;
    await fleet.refresh(c.var.visit.now())?.catch(() => c.var.visit.log("fleet_unreadable"));
    const views = fleet.view(c.var.visit.now());
    return c.json(listRunning(usable.filter((model) => readHealth(views, [model]).status === "healthy")));
  });
}

/** What Ollama's API can call; rankers, for instance, it knows nothing of. */
const callable: ReadonlySet<string> = new Set(["chat.completions", "embeddings"]);

/** The records of the models that the key may use. */
async function findUsable({ visit, wiring }: DoorEnv["Variables"]): Promise<readonly ModelRecord[]> {
  const list = await serveModels(visit, null, wiring.ports);
  const ids = new Set("data" in list ? list.data.map(({ id }) => id) : []);
  return wiring.ports.models.filter(({ id, endpoints }) => ids.has(id) && endpoints.some((one) => callable.has(one)));
}

import { createControlRoutes } from "#edge/control/http/routes.ts";
import { createOpenAiAdminRoutes } from "#edge/control/openai-admin/routes.ts";

/** A route of the control plane, in its own forms or in OpenAI's, as it is reached from outside. */
export interface ReachedRoute {
  method: string;
  path: string;
  /** It is about an org, which the path names or a header. */
  isInOrg: boolean;
  /** The headers that name an org where the path does not. */
  nameOrg: (org: string) => Record<string, string>;
  route: ReturnType<typeof listRoutes>[number];
}

/** Every route of the control plane. */
export function listReached(): ReachedRoute[] {
  const own = listRoutes(createControlRoutes()).map((route) => ({
    ...describe("/control", route),
    isInOrg: route.path.startsWith("/orgs/{org}"),
    nameOrg: () => ({}),
  }));
  const openAi = listRoutes(createOpenAiAdminRoutes()).map((route) => ({
    ...describe("/v1/organization", route),
    isInOrg: true,
    nameOrg: (org: string) => ({ "openai-organization": org }),
  }));
  return [...own, ...openAi];
}

function describe(prefix: string, route: ReachedRoute["route"]) {
  return { method: route.method.toUpperCase(), path: prefix + route.path, route };
}

function listRoutes(app: ReturnType<typeof createControlRoutes>) {
  return app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [definition.route] : [],
  );
}

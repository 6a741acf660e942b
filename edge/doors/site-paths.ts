import { endpointPaths } from "../agreements/paths.ts";

const response = `${endpointPaths.responses.edge}/{id}` as const;

/** What the site's door answers, as OpenAPI writes a path; `{name...}` takes the rest of it, slashes and all. */
export const sitePaths = {
  welcome: "/",
  openApi: "/openapi.json",
  models: "/v1/models",
  model: "/v1/models/{id...}",
  response,
  responseItems: `${response}/input_items`,
  responseCancel: `${response}/cancel`,
  countMessages: "/v1/messages/count_tokens",
  countResponse: "/v1/responses/input_tokens",
  tokenize: "/v1/tokenize",
  detokenize: "/v1/detokenize",
  tokenizerInfo: "/v1/tokenizer_info",
  clientTokens: "/v1/client-tokens",
  ollamaTags: "/api/tags",
  ollamaShow: "/api/show",
  ollamaRunning: "/api/ps",
  ollamaVersion: "/api/version",
  leaks: "/leaks",
  health: "/health",
  livez: "/livez",
  readyz: "/readyz",
} as const;

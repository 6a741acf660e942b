export { prepareMedia } from "./prepare-media.ts";
export { serveMedia } from "./serve-media.ts";

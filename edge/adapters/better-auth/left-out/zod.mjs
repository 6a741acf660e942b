// Stands in for `zod` in the bundle (wrangler.toml): all of it but its 64 languages, of which English is one that its
// schemas have by themselves, and `core`, which would bring them along. Zod's own entry cannot be cut: what wants all of
// `z` as one value (@hono/zod-openapi) gets all of it. A test holds this to what zod exports.
import * as z from "./zod-exports.mjs";

export * from "./zod-exports.mjs";
export { z, z as default };

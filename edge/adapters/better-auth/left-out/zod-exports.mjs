// The exports of `zod` but for `core` and `locales`: see zod.mjs.
export * from "../../../../node_modules/zod/v4/classic/schemas.js";
export * from "../../../../node_modules/zod/v4/classic/checks.js";
export * from "../../../../node_modules/zod/v4/classic/errors.js";
export * from "../../../../node_modules/zod/v4/classic/parse.js";
export * from "../../../../node_modules/zod/v4/classic/compat.js";
export {
  $input,
  $output,
  clone,
  compile,
  flattenError,
  formatError,
  getDiscriminatedOption,
  globalRegistry,
  INVALID,
  memoizer,
  NEVER,
  prettifyError,
  regexes,
  registry,
  TimePrecision,
  toZod,
  treeifyError,
  util,
  withParser,
  ZodCompileAsyncError,
  ZodCompileUnsupportedError,
} from "../../../../node_modules/zod/v4/core/index.js";
export { toJSONSchema } from "../../../../node_modules/zod/v4/core/json-schema-processors.js";
export { fromJSONSchema } from "../../../../node_modules/zod/v4/classic/from-json-schema.js";
export { deepPartial } from "../../../../node_modules/zod/v4/classic/deep-partial.js";
export { input, output } from "../../../../node_modules/zod/v4/classic/in-out.js";
export { ZodISODate, ZodISODateTime, ZodISODuration, ZodISOTime } from "../../../../node_modules/zod/v4/classic/iso.js";
export * as iso from "../../../../node_modules/zod/v4/classic/iso.js";
export * as coerce from "../../../../node_modules/zod/v4/classic/coerce.js";

/* oxlint-disable typescript/no-explicit-any -- loose on purpose: the root tsconfig checks against the real types */
/**
 * The platform's globals, as far as the Node side meets them when a test imports edge code. Workers' and Node's own
 * types do not share one program; the edge is checked against the real ones by the tsconfig at the root, so these need
 * only be loose.
 */
type D1Database = any;
type DurableObjectNamespace<T = any> = any;
type DurableObjectStub<T = any> = any;
type DurableObjectState = any;
type RateLimit = any;
type R2Bucket = any;
type SendEmail = any;
type R2Range = any;
type D1PreparedStatement = any;
interface SqlStorage {
  exec<T = any>(
    query: string,
    ...bindings: unknown[]
  ): { toArray(): T[]; one(): T; [Symbol.iterator](): IterableIterator<T> };
}
type SqlStorageValue = ArrayBuffer | string | number | null;
type ExportedHandler<T = any> = any;
interface ReadableStreamBYOBReader {
  readAtLeast<T extends ArrayBufferView>(min: number, view: T): Promise<ReadableStreamReadResult<T>>;
}
declare const scheduler: { wait(ms: number): Promise<void> };
declare class IdentityTransformStream extends TransformStream<Uint8Array, Uint8Array> {}
declare class FixedLengthStream extends IdentityTransformStream {
  constructor(length: number);
}
declare module "cloudflare:workers" {
  export class DurableObject<Env = any> {
    constructor(ctx: any, env: Env);
    protected ctx: any;
    protected env: Env;
    alarm?(): Promise<void>;
  }
}

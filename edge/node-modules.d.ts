/**
 * The parts of Node's modules that the edge uses; Workers have them since compatibility date 2026-08-04. Synchronous
 * crypto spares a call four turns of the event loop (docs/decisions/0005). Node's own types cannot stand beside the
 * platform's.
 */
declare module "node:crypto" {
  interface KeyObject {
    readonly type: "secret" | "public" | "private";
  }
  interface Hash {
    update(text: string | ArrayBufferView): Hash;
    digest(): Uint8Array;
    digest(encoding: "hex" | "base64" | "base64url"): string;
  }
  function createHash(algorithm: "sha1" | "sha256"): Hash;
  function createHmac(algorithm: "sha256", key: KeyObject): Hash;
  function createSecretKey(key: Uint8Array): KeyObject;
  function createPrivateKey(key: { key: object; format: "jwk" }): KeyObject;
  function createPublicKey(key: { key: object; format: "jwk" }): KeyObject;
  function sign(algorithm: null, bytes: Uint8Array, key: KeyObject): { toString(encoding: "base64url"): string };
  function verify(algorithm: null, bytes: Uint8Array, key: KeyObject, signature: Uint8Array): boolean;
}
declare module "node:buffer" {
  const Buffer: {
    from(
      text: string,
      encoding?: "utf8" | "base64url",
    ): Uint8Array & { toString(encoding: "utf8" | "base64url"): string };
  };
}

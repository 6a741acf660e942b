/**
 * The parts of Node's modules that the edge uses; Workers have them since compatibility date 2026-08-04. Synchronous
 * crypto spares a call four turns of the event loop (docs/decisions/0005). Node's own types cannot stand beside the
 * platform's.
 */
declare module "node:crypto" {
  interface KeyObject {
    readonly type: "secret" | "public" | "private";
    readonly asymmetricKeyType?: string;
    readonly asymmetricKeyDetails?: { namedCurve?: string };
  }
  interface Hash {
    update(text: string | ArrayBufferView): Hash;
    digest(): Uint8Array;
    digest(encoding: "hex" | "base64" | "base64url"): string;
  }
  function createHash(algorithm: "sha1" | "sha256"): Hash;
  function createHmac(algorithm: "sha256", key: KeyObject): Hash;
  function createSecretKey(key: Uint8Array): KeyObject;
  function createPublicKey(pem: string): KeyObject;
  function verify(...given: [algorithm: "sha256", bytes: Uint8Array, key: KeyObject, signature: Uint8Array]): boolean;
  function hkdfSync(
    ...given: [digest: "sha256", key: Uint8Array, salt: Uint8Array, info: string, bytes: number]
  ): ArrayBuffer;
}
declare module "node:buffer" {
  const Buffer: {
    from(
      text: string,
      encoding?: "utf8" | "base64" | "base64url",
    ): Uint8Array & { toString(encoding: "utf8" | "base64" | "base64url"): string };
    from(
      bytes: ArrayBuffer,
      at?: number,
      length?: number,
    ): Uint8Array & {
      toString(encoding: "base64" | "base64url"): string;
      indexOf(bytes: Uint8Array, from?: number): number;
    };
  };
}

/** The two integers of an ECDSA signature: what `asn1-schema.ts` reads. */
export class ECDSASigValue {
  r: ArrayBuffer = new ArrayBuffer(0);
  s: ArrayBuffer = new ArrayBuffer(0);
}

/** Curves and keys as certificates write them; none is read here. */
export class ECParameters {}

const leftOut = "left out";

/** Names of what certificates hold, which nothing here is ever equal to. */
export { leftOut as id_ecPublicKey, leftOut as id_secp256r1, leftOut as id_secp384r1 };

/** The two integers of an ECDSA signature: what `asn1-schema.ts` reads. */
export class ECDSASigValue {
  r: ArrayBuffer = new ArrayBuffer(0);
  s: ArrayBuffer = new ArrayBuffer(0);
}

const leftOut = "left out";

/** Names of what certificates hold: curves and keys, none of which is read here. */
export { leftOut as ECParameters, leftOut as id_ecPublicKey, leftOut as id_secp256r1, leftOut as id_secp384r1 };

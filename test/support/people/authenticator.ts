import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** What a site asks an authenticator for, as the API gives it. */
interface Options {
  challenge: string;
  rp?: { id: string };
  rpId?: string;
  user?: { id: string };
  allowCredentials?: { id: string }[];
}

/** Bits of the authenticator's data (WebAuthn Level 3, section 6.1). */
const [isPresent, isVerified, hasCredential] = [0x01, 0x04, 0x40];

/**
 * An authenticator in software: one key of P-256 a credential, no attestation. `knowsOwner: false` is one that is only
 * touched.
 */
export function openAuthenticator(origin: string, { knowsOwner = true } = {}) {
  const keys = new Map<string, { key: KeyObject; counter: number; user: string }>();
  const flags = isPresent | (knowsOwner ? isVerified : 0);
  const writeData = (rpId: string, extra: number, counter: number, rest: Buffer = Buffer.alloc(0)) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flags | extra, 0);
    head.writeUInt32BE(counter, 1);
    return Buffer.concat([createHash("sha256").update(rpId).digest(), head, rest]);
  };
  const writeClient = (type: string, challenge: string) => Buffer.from(JSON.stringify({ type, challenge, origin }));
  return {
    create(options: Options) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const id = randomBytes(16);
      const { x = "", y = "" } = publicKey.export({ format: "jwk" });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const rest = Buffer.concat([Buffer.alloc(16), length, id, writeCose(x, y)]);
      const data = writeData(options.rp?.id ?? "", hasCredential, 0, rest);
      const name = id.toString("base64url");
      keys.set(name, { key: privateKey, counter: 0, user: options.user?.id ?? "" });
      return {
        id: name,
        rawId: name,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          clientDataJSON: writeClient("webauthn.create", options.challenge).toString("base64url"),
          attestationObject: writeAttestation(data).toString("base64url"),
          transports: ["internal"],
        },
      };
    },
    get(options: Options, id = [...keys.keys()].at(-1) ?? "") {
      const known = keys.get(id);
      if (!known) throw new Error("no such credential");
      known.counter++;
      const data = writeData(options.rpId ?? "", 0, known.counter);
      const client = writeClient("webauthn.get", options.challenge);
      const signed = Buffer.concat([data, createHash("sha256").update(client).digest()]);
      return {
        id,
        rawId: id,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString("base64url"),
          authenticatorData: data.toString("base64url"),
          signature: sign("sha256", signed, known.key).toString("base64url"),
          userHandle: known.user,
        },
      };
    },
  };
}

/** A public key as COSE writes it: kty EC2, ES256, P-256, x, y. */
function writeCose(x: string, y: string): Buffer {
  const bytes = (text: string) => Buffer.concat([Buffer.from([0x58, 0x20]), Buffer.from(text, "base64url")]);
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    bytes(x),
    Buffer.from([0x22]),
    bytes(y),
  ]);
}

/** `{fmt: "none", attStmt: {}, authData}` in CBOR. */
function writeAttestation(data: Buffer): Buffer {
  const text = (word: string) => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);
  return Buffer.concat([
    Buffer.from([0xa3]),
    text("fmt"),
    text("none"),
    text("attStmt"),
    Buffer.from([0xa0]),
    text("authData"),
    Buffer.from([0x58, data.length]),
    data,
  ]);
}

import { generateKeyPairSync, sign } from "node:crypto";

/**
 * A key and a self-signed Ed25519 certificate for `localhost`, both as PEM: made here, so that no test needs a tool or
 * a key in the repository (RFC 5280, RFC 8410).
 */
export function makeCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const algorithm = der(0x30, oid("1.3.101.112"));
  const name = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0c, Buffer.from("localhost")))));
  const day = 24 * 3_600_000;
  const validity = der(0x30, time(Date.now() - day), time(Date.now() + day));
  // subjectAltName: dNSName localhost.
  const names = der(0x30, oid("2.5.29.17"), der(0x04, der(0x30, der(0x82, Buffer.from("localhost")))));
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    algorithm,
    name,
    validity,
    name,
    subjectKey,
    der(0xa3, der(0x30, names)),
  );
  const signature = der(0x03, Buffer.of(0), sign(null, toBeSigned, privateKey));
  const lines =
    der(0x30, toBeSigned, algorithm, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), value]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return der(
    0x06,
    Buffer.from([
      first * 40 + second,
      ...rest.flatMap((arc) => (arc < 0x80 ? [arc] : [0x80 | (arc >> 7), arc & 0x7f])),
    ]),
  );
}

/** UTCTime. */
function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}Z`));
}

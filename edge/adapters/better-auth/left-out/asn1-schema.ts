import { ECDSASigValue } from "./asn1-ecc.ts";

/** Named by what reads certificates, which gets no further than its first read. */
export const OctetString = "left out";

/**
 * Stands in for `@peculiar/asn1-schema` in the bundle (wrangler.toml). Of all ASN.1 an ECDSA signature is read: two
 * positive integers by DER (RFC 3279, section 2.2.3). Whatever else is to be read is refused.
 */
export const AsnParser = {
  parse(bytes: BufferSource, target: unknown): ECDSASigValue {
    if (target !== ECDSASigValue) throw new TypeError("only ECDSA signatures are read here");
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    const whole = readElement(view, 0, 0x30);
    if (whole.end !== view.length) throw new RangeError("bytes behind a signature");
    const r = readElement(view, whole.start, 0x02);
    const s = readElement(view, r.end, 0x02);
    if (s.end !== view.length) throw new RangeError("more than two integers in a signature");
    return { r: readInteger(view, r), s: readInteger(view, s) };
  },
};

interface Element {
  start: number;
  end: number;
}

/** A signature of P-521 is 139 bytes long at most, so a length has one byte, or a byte that says so and one. */
function readElement(view: Uint8Array, at: number, tag: number): Element {
  const short = view[at + 1] ?? 0x80;
  const isLong = short === 0x81;
  const length = isLong ? (view[at + 2] ?? 0) : short;
  const start = at + (isLong ? 3 : 2);
  const isMinimal = isLong ? length >= 0x80 : short < 0x80;
  if (view[at] !== tag || !isMinimal || start + length > view.length) throw new RangeError("no signature by DER");
  return { start, end: start + length };
}

/** As it stands, with the zero before a high bit; who uses it brings it to its curve's length. */
function readInteger(view: Uint8Array, { start, end }: Element): ArrayBuffer {
  const [first = 0x80, second = 0x80] = view.subarray(start, end);
  const isPositive = first < 0x80;
  const isMinimal = end - start === 1 || first !== 0 || second >= 0x80;
  if (start === end || !isPositive || !isMinimal) throw new RangeError("no positive integer by DER");
  return view.slice(start, end).buffer;
}

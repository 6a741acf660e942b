import type { IpRange } from "./records/key.ts";

/**
 * Reads an address as 32 hex digits, IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2), so that ranges compare as
 * text. `null` if it is not an address.
 */
export function readIp(text: string): string | null {
  const v4 = readV4(text);
  if (v4) return mappedV4 + v4;
  if (!text.includes(":")) return null;
  let address = text;
  const tail = address.slice(address.lastIndexOf(":") + 1);
  if (tail.includes(".")) {
    const low = readV4(tail);
    if (!low) return null;
    address = address.slice(0, -tail.length) + low.slice(0, 4) + ":" + low.slice(4);
  }
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const [head = [], rest] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - (rest?.length ?? 0);
  if (rest === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...(rest ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return groups.map((group) => group.padStart(4, "0").toLowerCase()).join("");
}

/**
 * Reads `203.0.113.0/24`, `2001:db8::/32` or a bare address as a range. `null` when malformed or when bits are set
 * beyond the prefix.
 */
export function readCidr(text: string): IpRange | null {
  const [address = "", length, ...more] = text.split("/");
  const ip = readIp(address);
  if (!ip || more.length > 0) return null;
  const widthMax = address.includes(":") ? 128 : 32;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const width = length === undefined ? widthMax : Number(length);
  if (width > widthMax) return null;
  const free = BigInt(widthMax - width);
  const from = BigInt("0x" + ip);
  const mask = (1n << free) - 1n;
  if (from & mask) return null;
  return { from: ip, to: (from | mask).toString(16).padStart(32, "0") };
}

/** Tells whether an address lies in one of the ranges; no address lies in none. */
export function isInRanges(ip: string | null, ranges: IpRange[]): boolean {
  return ip !== null && ranges.some((range) => range.from <= ip && ip <= range.to);
}

/**
 * Returns what counts as one caller: an IPv4 address, or the /56 of an IPv6 one, which is what homes get (RFC 6177).
 * By the /64 a home would be 256 callers and a site with a /48 65,536; by the /48 a host's customers would be one.
 */
export function findNetwork(ip: string): string {
  return ip.startsWith(mappedV4) ? ip : ip.slice(0, 14);
}

const mappedV4 = "0".repeat(20) + "ffff";

function readV4(text: string): string | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let hex = "";
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    hex += Number(part).toString(16).padStart(2, "0");
  }
  return hex;
}

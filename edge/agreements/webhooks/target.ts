import { isInRanges, readCidr, readIp } from "../ip.ts";
import type { IpRange } from "../records/key.ts";

const urlCharsMax = 2_000;
const systemPortsEnd = 1_024;
const hostCharsMax = 253;

/** What is wrong with an address to send to; `message` is fit for whoever set it. */
export class BadTarget extends Error {}

/** Names that no public resolver knows, or should: this machine's, this network's. */
const privateNames = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|onion)$/;
const label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
const publicName = new RegExp(`^(${label}\\.)+${label}$`);

/**
 * Reads the URL of a webhook: https, a name with a dot in it, no address, no user, no fragment, port 443 or 1024 and
 * above. `isLocal` (only in development) also takes `http://127.0.0.1:PORT`. Throws a BadTarget for anything else. What
 * the name leads to is another question (`findForbidden`).
 */
export function readTarget(text: string, isLocal: boolean): URL {
  if (text.length > urlCharsMax) throw new BadTarget(`Must have at most ${urlCharsMax} characters.`);
  const url = URL.parse(text);
  if (!url || /[\s\\]|[^\x21-\x7e]/.test(text))
    throw new BadTarget("Must be an absolute URL in ASCII, without blanks.");
  if (hasUser(text)) throw new BadTarget("Must not have a user or a password in it.");
  if (isLocal && isLoopback(url)) return url;
  if (url.protocol !== "https:") throw new BadTarget("Must begin with https://.");
  if (url.hash !== "") throw new BadTarget("Must not have a fragment.");
  const { hostname } = url;
  if (hostname.startsWith("[") || readIp(hostname) !== null) throw new BadTarget("Must have a name, not an address.");
  if (hostname.length > hostCharsMax || !publicName.test(hostname) || /\.\d+$/.test(hostname))
    throw new BadTarget("Must have the full name of a public host, such as hooks.example.com.");
  if (privateNames.test(hostname)) throw new BadTarget("Must have a public name.");
  const port = url.port === "" ? 443 : Number(url.port);
  if (port !== 443 && port < systemPortsEnd) throw new BadTarget("Must have port 443, or one from 1024 on.");
  return url;
}

/** `http://127.0.0.1:PORT`, to which nothing is looked up. */
export function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && hostname === "127.0.0.1";
}

/** By the text, since an empty user before the `@` leaves no trace in a parsed URL. */
function hasUser(text: string): boolean {
  const authority = /^[a-z]+:\/*([^/?#]*)/i.exec(text)?.[1] ?? "";
  return authority.includes("@");
}

const readAll = (ranges: string[]): IpRange[] => ranges.map(readCidr).filter((range) => range !== null);

/** IANA's special-purpose registry of IPv4, and multicast. */
const specialV4 = readAll([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
]);
/** IPv6 is public in 2000::/3 alone, and there save for these: Teredo and its neighbours, examples, 6to4. */
const globalV6 = readAll(["2000::/3"]);
const specialV6 = readAll(["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]);
const mappedV4 = readAll(["::ffff:0:0/96"]);

/**
 * Does this address belong to the public internet? Not ours nor anybody's own: no private, link-local, shared,
 * loopback, multicast or reserved one, of IPv4 or IPv6, nor one that only wraps another (mapped, NAT64, 6to4, Teredo),
 * save a public IPv4 address in IPv6's form. What is no address is not.
 */
export function isPublicAddress(text: string): boolean {
  const ip = readIp(text);
  if (isInRanges(ip, mappedV4)) return !isInRanges(ip, specialV4);
  return isInRanges(ip, globalV6) && !isInRanges(ip, specialV6);
}

/** The first of a name's addresses that nothing may be sent to; null when all of them are public. */
export function findForbidden(addresses: readonly string[]): string | null {
  return addresses.find((address) => !isPublicAddress(address)) ?? null;
}

import { describe, expect, it } from "vitest";
import { BadTarget, findForbidden, isLoopback, isPublicAddress, readTarget } from "#edge/agreements/webhooks/target.ts";
import { hostileUrls } from "#test/support/webhooks/hostile-urls.ts";

const refused = (url: string, isLocal = false) => {
  try {
    return `taken: ${readTarget(url, isLocal).href}`;
  } catch (failure) {
    return failure instanceof BadTarget ? "refused" : `thrown: ${String(failure)}`;
  }
};

describe("where a webhook may lead (S11)", () => {
  it.each(hostileUrls)("not to %j", (url) => expect(refused(url)).toBe("refused"));

  it.each([
    "https://hooks.example.com",
    "https://hooks.example.com/",
    "https://HOOKS.Example.com/a?b=c",
    "https://hooks.example.com:443/",
    "https://hooks.example.com:1024/",
    "https://hooks.example.com:8443/x",
    "https://xn--bcher-kva.example/",
    "https://a_b.example.com/",
    "https://1.example.com/",
  ])("to %s", (url) => expect(refused(url)).toMatch(/^taken/));

  it("in development to this machine as well, by one address alone", () => {
    expect(refused("http://127.0.0.1:9000/x", true)).toMatch(/^taken/);
    expect(isLoopback(readTarget("http://127.0.0.1:9000/x", true))).toBe(true);
    for (const url of hostileUrls.filter((one) => one !== "http://127.0.0.1:9000/"))
      expect([url, refused(url, true)]).toEqual([url, "refused"]);
    for (const url of ["http://127.0.0.2:9/", "http://user@127.0.0.1:9/", "http://10.0.0.1:9/", "http://[::1]:9/"])
      expect([url, refused(url, true)]).toEqual([url, "refused"]);
  });
});

describe("an address", () => {
  it.each([
    ["0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1"],
    ["169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1"],
    ["192.168.0.0", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250"],
    ["240.0.0.1", "255.255.255.255"],
    ["::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:c0a8:0101"],
    ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:1::1", "2001:10::1"],
    ["2001:20::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1"],
    ["ff02::1", "4000::1", "localhost", "", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1", "hooks.example.com"],
  ])("is not public: %s and the like", (...addresses) => {
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it("is public otherwise, to the edges of what is not", () => {
    const addresses = ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"];
    const others = ["128.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255", "198.20.0.0"];
    const six = ["2606:4700::1111", "2001:200::1", "2a00:1450::1", "2003::1", "::ffff:1.1.1.1"];
    for (const address of [...addresses, ...others, ...six])
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
  });

  it("that is not public spoils all the others of its name", () => {
    expect(findForbidden(["1.1.1.1", "2606:4700::1111"])).toBeNull();
    expect(findForbidden(["1.1.1.1", "127.0.0.1"])).toBe("127.0.0.1");
    expect(findForbidden(["1.1.1.1", "what is this"])).toBe("what is this");
  });
});

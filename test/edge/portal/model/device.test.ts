import { expect, test } from "vitest";
import { describeDevice } from "#edge/portal/model/device.ts";

test("browsers are told by the names that people know, other programs by their own", () => {
  const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
  for (const [agent, name] of [
    [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/156.0.0.0 Safari/537.36`, "Chrome, Linux"],
    [`Mozilla/5.0 (Windows NT 10.0; Win64) ${webkit} Chrome/156.0.0.0 Safari/537.36 Edg/156.0`, "Edge, Windows"],
    [`Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) ${webkit} Version/19.0 Safari/604.1`, "Safari, iOS"],
    ["Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0", "Firefox, Android"],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Version/19.0 Safari/605.1.15`, "Safari, macOS"],
    ["curl/8.9.1", "curl/8.9.1"],
  ] as const)
    expect(describeDevice(agent)).toBe(name);
  expect(describeDevice(null)).toBeNull();
});

const browsers = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\b(Headless)?Chrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
] as const;
const systems = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
] as const;

/** A browser and its system as people call them, by what it says of itself; other programs by their own words. */
export function describeDevice(userAgent: string | null): string | null {
  if (userAgent === null) return null;
  const find = (among: typeof browsers | typeof systems) => among.find(([sign]) => sign.test(userAgent))?.[1];
  const named = [find(browsers), find(systems)].filter((part) => part !== undefined);
  return named.length === 0 ? userAgent : named.join(", ");
}

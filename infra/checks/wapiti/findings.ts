/** What wapiti writes, as far as it is read here. */
export interface WapitiReport {
  vulnerabilities: Record<string, WapitiFinding[]>;
  anomalies: Record<string, WapitiFinding[]>;
  infos: { crawled_pages_nbr: number };
}

interface WapitiFinding {
  method: string;
  path: string;
  info: string;
  parameter: string | null;
}

/** A finding that is none: of which kind and method, and why. */
interface Explained {
  kind: string;
  method: RegExp;
  why: string;
}

/** What is left out, each with its reason. */
const explained: Explained[] = [
  {
    kind: "Htaccess Bypass",
    method: /^ABC$/,
    why: "A method that nobody knows is 405 with `Allow`, whoever asks, and not the 401 of others: nothing runs.",
  },
  {
    kind: "Spring4Shell",
    method: /^(GET|POST)$/,
    why: "A parameter that an operation does not have is refused with 400, which the scanner takes for a crash.",
  },
];

/** What a report says: what is open, a line each, and how much is explained. */
export function listFindings({ vulnerabilities, anomalies, infos }: WapitiReport) {
  const all = Object.entries({ ...vulnerabilities, ...anomalies }).flatMap(([kind, found]) =>
    found.map((finding) => ({ kind, ...finding })),
  );
  const isOpen = ({ kind, method }: (typeof all)[number]) =>
    !explained.some((known) => known.kind === kind && known.method.test(method));
  const open = all.filter(isOpen);
  const lines = open.map(({ kind, method, path, info, parameter }) => [kind, method, path, parameter, info].join(" "));
  return { crawled: infos.crawled_pages_nbr, open: lines, passed: all.length - open.length };
}

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
  http_request: string;
}

/** A finding that is none: of which kind, what of it says so, and why. */
interface Explained {
  kind: RegExp;
  info: RegExp;
  why: string;
}

/** What is left out, each with its reason. */
const explained: Explained[] = [];

/** What a report says: what is open, a line each, and how much is explained. */
export function listFindings({ vulnerabilities, anomalies, infos }: WapitiReport) {
  const all = Object.entries({ ...vulnerabilities, ...anomalies }).flatMap(([kind, found]) =>
    found.map((finding) => ({ kind, ...finding })),
  );
  const isOpen = ({ kind, info }: (typeof all)[number]) =>
    !explained.some((known) => known.kind.test(kind) && known.info.test(info));
  const open = all.filter(isOpen);
  const lines = open.map(({ kind, method, path, info, parameter }) => [kind, method, path, parameter, info].join(" "));
  return { crawled: infos.crawled_pages_nbr, open: lines, passed: all.length - open.length };
}

const stored = "penstock.target";

/** Where whoever signs in was going: what stands behind the `#` of the sign-in page; else the first page. */
export function readTarget(hash: string): string {
  const wanted = hash.length > 1 ? hash.slice(1) : (sessionStorage.getItem(stored) ?? "/");
  sessionStorage.removeItem(stored);
  // Only a path of our own: an address must not lead whoever signs in elsewhere.
  return /^\/(?![/\\])/.test(wanted) ? wanted : "/";
}

/** Keeps where they were going while a company signs them in: the way there and back knows no `#`. */
export function keepTarget(path: string): void {
  sessionStorage.setItem(stored, path);
}

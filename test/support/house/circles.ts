/** Circles among files, each told once from its first file by name: `a -> b -> a`. Types count. */
export function findCircles(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>();
  const path: string[] = [];
  const over = new Set<string>();
  const walk = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) return void found.add(startAtLeast(path.slice(at)));
    if (over.has(file)) return;
    path.push(file);
    for (const to of arrows.get(file) ?? []) walk(to);
    path.pop();
    over.add(file);
  };
  for (const file of [...arrows.keys()].sort()) walk(file);
  return [...found].sort();
}

function startAtLeast(circle: string[]): string {
  const [least = ""] = circle.toSorted();
  const at = circle.indexOf(least);
  return [...circle.slice(at), ...circle.slice(0, at), least].join(" -> ");
}

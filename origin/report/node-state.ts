import type { NodeState } from "#edge/agreements/records/node.ts";
import type { Posts } from "../engines/pool.ts";

/** What a node's state depends on. */
export interface StateSources {
  posts: Pick<Posts, "all">;
  sender: { readonly isDurable: boolean };
  isDraining(): boolean;
}

/** Ready = some engine is, its records can be kept, and the node is not draining. */
export function nodeState({ posts, sender, isDraining }: StateSources): NodeState {
  if (isDraining()) return "draining";
  const states = posts.all.map(({ watch }) => watch.state);
  if (states.includes("ready")) return sender.isDurable ? "ready" : "unhealthy";
  return states.includes("unhealthy") ? "unhealthy" : "starting";
}

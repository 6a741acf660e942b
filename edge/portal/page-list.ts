import type { Action } from "../control/permissions.ts";

/** A page as the shell, the router and the build know it: its name is its address, under /portal/. */
export interface PortalPage {
  name: string;
  group: "daily" | "org" | "operator" | "self";
  icon: string;
  /** Who may not do this sees no such page; `null` is for everybody. */
  action: Action | null;
}

/** Every page, in the order in which the shell lists them. A new one is a row here, its texts, and its file. */
export const pageList: readonly PortalPage[] = [
  { name: "overview", group: "daily", icon: "i-lucide-gauge", action: "org.read" },
  { name: "playground", group: "daily", icon: "i-lucide-messages-square", action: "playground.use" },
  { name: "models", group: "daily", icon: "i-lucide-boxes", action: "models.read" },
  { name: "keys", group: "daily", icon: "i-lucide-key-round", action: "keys.read" },
  { name: "usage", group: "daily", icon: "i-lucide-chart-column", action: "usage.read" },
  { name: "costs", group: "daily", icon: "i-lucide-receipt", action: "costs.read" },
  { name: "limits", group: "daily", icon: "i-lucide-waves", action: "limits.read" },
  { name: "members", group: "org", icon: "i-lucide-users", action: "members.read" },
  { name: "projects", group: "org", icon: "i-lucide-folder", action: "projects.read" },
  { name: "audit", group: "org", icon: "i-lucide-scroll-text", action: "audit.read" },
  { name: "settings", group: "org", icon: "i-lucide-settings", action: "org.read" },
  { name: "orgs", group: "operator", icon: "i-lucide-building-2", action: "plan.write" },
  { name: "nodes", group: "operator", icon: "i-lucide-server", action: "nodes.read" },
  { name: "prices", group: "operator", icon: "i-lucide-tags", action: "prices.write" },
  { name: "account", group: "self", icon: "i-lucide-circle-user", action: null },
  { name: "invitation", group: "self", icon: "i-lucide-mail-open", action: null },
  { name: "sign-in", group: "self", icon: "i-lucide-log-in", action: null },
];

/** What stands outside the portal, and helps: the docs, which the same gateway serves. */
export const helpLinks = [
  { name: "reference", href: "/docs", icon: "i-lucide-book-open-text" },
  { name: "guides", href: "/docs/guides", icon: "i-lucide-graduation-cap" },
] as const;

import type { components } from "#portal-types/open-api.d.ts";

declare global {
  /** Paths of the data plane, from the edge's own table (infra/portal/vite.config.ts). */
  const portalPaths: { chat: string; clientTokens: string; models: string; health: string };

  /** What a key's scope may name, from the edge's own schema. */
  const portalEndpoints: NonNullable<components["schemas"]["Key"]["endpoints"]>;

  type ListenedEvent = NonNullable<components["schemas"]["WebhookCreate"]["types"]>[number];

  /** What a webhook may listen for, from the edge's own schema. */
  const portalEvents: ListenedEvent[];
}

/** Paths of the data plane, from the edge's own table (infra/portal/vite.config.ts). */
declare const portalPaths: { chat: string; clientTokens: string; models: string; health: string };

/** What a key's scope may name, from the edge's own schema. */
declare const portalEndpoints: readonly string[];

type WebhookBody = import("#portal-types/open-api.d.ts").components["schemas"]["WebhookCreate"];
type ListenedEvent = NonNullable<WebhookBody["types"]>[number];

/** What a webhook may listen for, from the edge's own schema. */
declare const portalEvents: ListenedEvent[];

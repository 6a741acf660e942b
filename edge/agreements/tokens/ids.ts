import { z } from "zod";

/** The digits of every reference we mint, in ASCII order, so that text order is value order. */
export const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const forms = {
  org: /^org_[0-9A-Za-z]{10}$/,
  key: /^key_[0-9A-Za-z]{16}$/,
  hold: /^hold_[0-9A-Za-z]{22}$/,
  response: /^resp_[0-9A-Za-z]{22}$/,
  node: /^node_[a-z0-9-]{1,40}$/,
};

function createCheck(form: RegExp) {
  return (id: unknown): id is string => typeof id === "string" && form.test(id);
}

/** An organisation, which pays. The ten characters after the prefix are its reference and part of each of its keys. */
export const OrgId = z.string().regex(forms.org);
export type OrgId = z.infer<typeof OrgId>;
/** Tells an org's id from anything else; what is checked on every call needs no account of what is wrong. */
export const isOrgId = createCheck(forms.org);

/** A key's public part: the org's reference and six characters of its own. */
export const KeyId = z.string().regex(forms.key);
export type KeyId = z.infer<typeof KeyId>;
/** Tells a key's id from anything else; what is checked on every call needs no account of what is wrong. */
export const isKeyId = createCheck(forms.key);

/** What one call holds. 128 random bits: nobody who was not given it can settle it. */
export const HoldId = z.string().regex(forms.hold);
export type HoldId = z.infer<typeof HoldId>;
/** Tells a hold's id from anything else; what is checked on every call needs no account of what is wrong. */
export const isHoldId = createCheck(forms.hold);

/** One HTTP request at the edge, and in its log. */
export const RequestId = z.string().regex(/^req_[0-9A-Za-z]{22}$/);
export type RequestId = z.infer<typeof RequestId>;

const [requestPrefix, holdPrefix] = ["req_", "hold_"];

/** The hold of a request: both have the same characters, so whoever knows one finds the other in log and bill. */
export function nameHold(request: RequestId): HoldId {
  return holdPrefix + request.slice(requestPrefix.length);
}

/** The request that a hold belongs to. */
export function nameRequest(hold: HoldId): RequestId {
  return requestPrefix + readReference(hold);
}

/** The 22 characters that a hold has in common with its request, and with the ids that we give its answer. */
export function readReference(hold: HoldId): string {
  return hold.slice(holdPrefix.length);
}

/** An answer of the Responses API, by the characters of its call's hold. */
export const ResponseId = z.string().regex(forms.response);
export type ResponseId = z.infer<typeof ResponseId>;
/** Tells a response's id from anything else. */
export const isResponseId = createCheck(forms.response);

/** The id of the response to a call, which its agent names alike (`nameResponse`). */
export function nameHeldResponse(hold: HoldId): ResponseId {
  return `resp_${hold.slice(holdPrefix.length)}`;
}

/** The response that an item of an answer, or a stored one, is part of; null for an id that is none of ours. */
export function findItemHome(item: string): ResponseId | null {
  const reference = /^[a-z]{2,5}_([0-9A-Za-z]{22})_(?:in)?\d{1,6}$/.exec(item)?.[1];
  return reference === undefined ? null : `resp_${reference}`;
}

/** A node, by the name that its operator chose. */
export const NodeId = z.string().regex(forms.node);
export type NodeId = z.infer<typeof NodeId>;
/** Tells a node's id from anything else; what is checked on every call needs no account of what is wrong. */
export const isNodeId = createCheck(forms.node);

/** What things of the control plane are called: each kind's prefix, and 22 characters of 128 random bits or more. */
const controlPrefixes = {
  user: "user_",
  project: "proj_",
  serviceAccount: "sa_",
  invitation: "inv_",
  webhook: "wh_",
  event: "evt_",
  delivery: "dlv_",
  budget: "bud_",
  session: "sess_",
  passkey: "pass_",
  login: "sso_",
} as const;

const createForm = (kind: keyof typeof controlPrefixes) => new RegExp(`^${controlPrefixes[kind]}[0-9A-Za-z]{22}$`);
const createControlId = (kind: keyof typeof controlPrefixes) => z.string().regex(createForm(kind));

/** A person, as sign-in names them. */
export const UserId = createControlId("user");
export type UserId = z.infer<typeof UserId>;
/** A project: keys with limits and a budget in common. */
export const ProjectId = createControlId("project");
export type ProjectId = z.infer<typeof ProjectId>;
/** Tells a project's id from anything else; what is checked on every call needs no account of what is wrong. */
export const isProjectId = createCheck(createForm("project"));
/** A program that owns keys. */
export const ServiceAccountId = createControlId("serviceAccount");
export type ServiceAccountId = z.infer<typeof ServiceAccountId>;
/** An invitation of a person into an org. */
export const InvitationId = createControlId("invitation");
export type InvitationId = z.infer<typeof InvitationId>;
/** An address of an org's that events are sent to. */
export const WebhookId = createControlId("webhook");
export type WebhookId = z.infer<typeof WebhookId>;
/** Something that happened, whoever hears of it. */
export const EventId = createControlId("event");
export type EventId = z.infer<typeof EventId>;
/** One event's way to one webhook. */
export const DeliveryId = createControlId("delivery");
export type DeliveryId = z.infer<typeof DeliveryId>;

/** What an org, a project or a key may spend in a month. */
export const BudgetId = createControlId("budget");
export type BudgetId = z.infer<typeof BudgetId>;
/** A person's session in one browser; it opens nothing by itself. */
export const SessionId = createControlId("session");
export type SessionId = z.infer<typeof SessionId>;
/** A passkey of a person. */
export const PasskeyId = createControlId("passkey");
export type PasskeyId = z.infer<typeof PasskeyId>;

/** An org's company login; part of the address that its issuer sends browsers back to. */
export const LoginId = createControlId("login");
export type LoginId = z.infer<typeof LoginId>;
/** Tells a company login's id from anything else. */
export const isLoginId = createCheck(createForm("login"));

/** Mints an id of one of the control plane's kinds. */
export function mintControlId(kind: keyof typeof controlPrefixes, random: (bytes: number) => Uint8Array): string {
  return controlPrefixes[kind] + generateBase62(22, random);
}

/** Generates `count` unbiased base62 characters from `random(bytes)`: bytes ≥ 248 are discarded. */
export function generateBase62(count: number, random: (bytes: number) => Uint8Array): string {
  let text = "";
  while (text.length < count) {
    for (const byte of random(count + 8)) {
      if (byte < 248 && text.length < count) text += base62[byte % 62];
    }
  }
  return text;
}

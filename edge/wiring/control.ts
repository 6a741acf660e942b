import { archiveUsage } from "../adapters/d1/archive.ts";
import { rollUpBacklog } from "../adapters/d1/backlog.ts";
import { betterAuthProofs } from "../adapters/better-auth/proofs.ts";
import { cloudflareMailer } from "../adapters/mail/cloudflare-mailer.ts";
import { httpMailer } from "../adapters/mail/http-mailer.ts";
import { localMailer } from "../adapters/mail/local-mailer.ts";
import { dohResolver } from "../adapters/web/doh-resolver.ts";
import { openOidcClient } from "../adapters/oidc/oidc-client.ts";
import { fetchLeakKeys } from "../adapters/web/leak-keys.ts";
import { fetchWebhookSender } from "../adapters/web/webhook-sender.ts";
import type { Mailer } from "../agreements/mail.ts";
import { openMasterKeys, type MasterKeys } from "../agreements/sealing.ts";
import { readKidNumber } from "../agreements/settings/sign-in.ts";
import type { OrgId } from "../agreements/tokens/ids.ts";
import { dnsWaitMsMax } from "../agreements/webhooks/limits.ts";
import { mailAlerts } from "../control/budgets/mail-alerts.ts";
import type { ControlPorts, WebhookPorts } from "../control/http/port.ts";
import type { Database } from "../control/http/store.ts";
import { openOidcFlows } from "../control/sign-in/company/flows.ts";
import { resealLogins } from "../control/sign-in/company/reseal-logins.ts";
import { openSessions } from "../control/sign-in/sessions.ts";
import { maySignUp } from "../control/sign-in/sign-up.ts";
import { openTries } from "../control/sign-in/tries.ts";
import { deliverDue, type DelivererPorts } from "../control/webhooks/sending/deliver.ts";
import { tendWebhooks } from "../control/webhooks/sending/tend.ts";
import { LimitEvents } from "../control/events/limit-reached.ts";
import type { Env, Settings } from "../env.ts";
import { describeCause } from "../errors.ts";
import type { Ports } from "../ports.ts";
import { drawChance, generateRandomBytes, readClock } from "../visit.ts";

/** Moves old rows of the bill into the archive, once all are added up; without one they stay. */
export function openArchiver({ DB: db, ARCHIVE: bucket }: Env, { USAGE_DAYS: days }: Settings): () => Promise<void> {
  return async () => {
    const left = await rollUpBacklog({ db, now: readClock });
    if (left > 0) return console.log(JSON.stringify({ event: "usage_backlog", left }));
    const rows = bucket ? await archiveUsage({ db, bucket, days, now: readClock }) : 0;
    if (rows > 0) console.log(JSON.stringify({ event: "usage_archived", rows }));
  };
}

/** The operator's issuers, and who may make an account or an org. */
function readHouse({ OIDC = [], SIGN_UP, SIGN_UP_DOMAINS }: Settings) {
  const issuers = OIDC.map(({ issuer, ...rest }) => ({ ...rest, url: issuer, isGuarded: false }));
  return { issuers, signUp: { for: SIGN_UP, domains: SIGN_UP_DOMAINS } };
}

/** What an org's issuer may be asked with: it leads to the public internet alone. */
function openOidc({ resolver, isLocal }: WebhookPorts) {
  return openOidcClient({ fetch: askWeb, guard: { resolver, isLocal } });
}

/** Where no secret is set nobody can sign in, and keys work as ever. */
export function openSignIn(
  db: Database,
  settings: Settings,
  webhooks: WebhookPorts,
): Pick<ControlPorts, "sessions" | "signIn" | "signUp" | "requiresOperatorMfa"> {
  const { SESSION_KEYS, CLIENT_IP_HEADER: header = null, IP_EXEMPT: exempt } = settings;
  const { issuers, signUp } = readHouse(settings);
  const secrets = Object.entries(SESSION_KEYS ?? {}).map(([kid, value]) => ({
    version: readKidNumber(kid) ?? 0,
    value,
  }));
  const [first] = secrets;
  const rules = { signUp, requiresOperatorMfa: settings.OPERATORS_MFA === "required" };
  if (!first) return { sessions: null, signIn: null, ...rules };
  const tries = openTries(db, { secret: first.value, header, exempt });
  const { spendTotp } = tries;
  const proofs = betterAuthProofs({
    db,
    secrets,
    ipHeader: header,
    random: generateRandomBytes,
    maySignUp: (email, nowMs) => maySignUp(db, signUp, email, nowMs),
    spendTotp,
  });
  const signIn = { proofs, tries, oidc: openOidc(webhooks), flows: openOidcFlows(first.value), issuers };
  return { sessions: openSessions(db, first.value), signIn, ...rules };
}

/** What seals the secrets of company logins; null without STORE_KEYS. And what seals them anew, each minute. */
export async function openLoginMasters(db: Database, { STORE_KEYS: secrets }: Settings) {
  const loginMasters: MasterKeys | null = secrets ? await openMasterKeys(secrets, "login secrets") : null;
  const reseal = async () => loginMasters && resealLogins(db, loginMasters, generateRandomBytes);
  return { loginMasters, reseal };
}

/** Who sends mail, as the settings say; null where nobody does. */
function openMailer(env: Env, settings: Settings): Mailer | null {
  const { MAIL, MAIL_FROM: from = "", MAIL_URL: url = "", MAIL_TOKEN: token = "" } = settings;
  if (MAIL === "local") return localMailer((line) => console.log(line));
  if (MAIL === "cloudflare") return env.EMAIL ? cloudflareMailer(env.EMAIL, from) : null;
  return MAIL === undefined ? null : httpMailer({ form: MAIL, url, token, from });
}

/** The platform's `fetch`, which may not be called as another object's method. */
const askWeb: typeof fetch = (...given) => fetch(...given);

/** Where webhooks are looked up and how they are sent; without STORE_KEYS none can be made. */
async function openWebhookPorts(settings: Settings): Promise<WebhookPorts> {
  const { STORE_KEYS: secrets, DNS_URL: url, WEBHOOK_WAIT_MS: waitMsMax, WEBHOOK_WINDOW_MS: windowMs } = settings;
  return {
    masters: secrets ? await openMasterKeys(secrets, "webhook secrets") : null,
    resolver: dohResolver({ url, waitMsMax: dnsWaitMsMax, fetch: askWeb }),
    sender: fetchWebhookSender({ waitMsMax, fetch: askWeb }),
    isLocal: settings.WEBHOOKS_LOCAL === "on",
    windowMs,
  };
}

/** What is done by the cron is in no visit's log. */
const log: DelivererPorts["log"] = (event, facts) => console.log(JSON.stringify({ event, ...facts }));

/** Sends behind a request, which never fails for it, and by the cron, whose failures the platform's log shows. */
function openDeliverer(ports: Pick<DelivererPorts, "db" | "mailer" | "webhooks">) {
  const all = { ...ports, now: readClock, random: generateRandomBytes, chance: drawChance, log };
  return {
    nudge: (org: OrgId) =>
      deliverDue(all, org).catch((cause: unknown) => log("nudge_failed", { org, cause: describeCause(cause) })),
    tend: () => tendWebhooks(all),
  };
}

/** What events need, and what they make of calls: where they go, who is told, what refusals make of them. */
export async function openEvents(db: Database, env: Env, settings: Settings) {
  const mailer = openMailer(env, settings);
  const webhooks = await openWebhookPorts(settings);
  const { nudge, tend } = openDeliverer({ db, mailer, webhooks });
  const limitEvents = new LimitEvents(db, nudge);
  const noteDenial: Ports["noteDenial"] = (visit, { org, key }, denial) => {
    const work = limitEvents.note(denial, { org, key, nowMs: visit.now() });
    if (work) visit.afterwards(work);
  };
  const leakKeys = settings.LEAK_KEYS_URL === undefined ? null : fetchLeakKeys(settings.LEAK_KEYS_URL, askWeb);
  const mailBudgets = () => mailAlerts({ db, mailer, currency: settings.CURRENCY, now: readClock, log });
  return { control: { mailer, webhooks, deliverer: { nudge }, leakKeys }, tending: [tend, mailBudgets], noteDenial };
}

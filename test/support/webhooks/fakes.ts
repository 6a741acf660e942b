import type { Mail, Mailer } from "#edge/agreements/mail.ts";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import type { LeakKeys, Resolver, WebhookAnswer, WebhookSender } from "#edge/control/http/port.ts";

/** The web as webhooks see it: who has which address, what is posted where, and what is answered. */
export class FakeWeb implements Resolver, WebhookSender {
  addresses = new Map<string, string[]>([["hooks.example.test", ["93.184.216.34", "2606:2800:220:1::1"]]]);
  texts = new Map<string, string[]>();
  isNameless = false;
  posted: { url: string; headers: Record<string, string>; body: string; atMs: number }[] = [];
  answer: (url: string) => WebhookAnswer | Promise<WebhookAnswer> = () => ({ status: 200, excerpt: "ok" });
  readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  async resolve(name: string): Promise<string[]> {
    if (this.isNameless) throw new Error("the name server is out of reach");
    return this.addresses.get(name) ?? [];
  }

  async readTexts(name: string): Promise<string[]> {
    if (this.isNameless) throw new Error("the name server is out of reach");
    return this.texts.get(name) ?? [];
  }

  async post(url: string, headers: Record<string, string>, body: string): Promise<WebhookAnswer> {
    this.posted.push({ url, headers, body, atMs: this.now() });
    return this.answer(url);
  }
}

/** A mailer that keeps what it is given, or fails. */
export class FakeMailer implements Mailer {
  isLocal = false;
  mails: Mail[] = [];
  fails = false;

  async send(mail: Mail): Promise<void> {
    if (this.fails) throw new Error("no mail today");
    this.mails.push(mail);
  }
}

/** The public keys of a reporter, or none that can be read. */
export class FakeLeakKeys implements LeakKeys {
  keys = new Map<string, string>();
  fails = false;

  async find(identifier: string): Promise<string | null> {
    if (this.fails) throw new Error("out of reach");
    return this.keys.get(identifier) ?? null;
  }
}

/** A model that chats, unless said otherwise. */
export function fakeModel(given: Pick<ModelRecord, "id"> & Partial<ModelRecord>): ModelRecord {
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  return {
    aliases: [],
    endpoints: ["chat.completions"],
    contextTokensMax: 8_192,
    completionTokensDefault: 2_048,
    ownedBy: "house",
    createdAtMs: 0,
    prices: { shared: price, complex: price },
    ...given,
  };
}

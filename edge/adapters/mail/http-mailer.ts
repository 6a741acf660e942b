import type { Mail, Mailer } from "../../agreements/mail.ts";
import { OutOfReach } from "../../errors.ts";
import { within } from "../within.ts";

const waitMsMax = 10_000;

/** How a provider's API wants a mail; `resend` is what most others take as well. */
const forms = {
  resend: {
    authorize: (token: string) => ({ authorization: `Bearer ${token}` }),
    write: (from: string, { to, subject, text }: Mail): object => ({ from, to: [to], subject, text }),
  },
  postmark: {
    authorize: (token: string) => ({ "x-postmark-server-token": token }),
    write: (from: string, { to, subject, text }: Mail): object => ({
      From: from,
      To: to,
      Subject: subject,
      TextBody: text,
    }),
  },
} as const;

/** Which provider's form, where, and as whom. */
export interface HttpMailerOptions {
  form: keyof typeof forms;
  url: string;
  token: string;
  from: string;
}

/**
 * Sends mail through a provider's HTTP API: one POST a mail. Whatever is no 2xx within ten seconds did not go out; no
 * redirect is followed, since it would take the token elsewhere.
 */
export function httpMailer({ form, url, token, from }: HttpMailerOptions): Mailer {
  const { authorize, write } = forms[form];
  return {
    isLocal: false,
    async send(mail) {
      const request = fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: { ...authorize(token), "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(write(from, mail)),
      }).catch(() => {
        throw new OutOfReach("mail: the provider is out of reach");
      });
      const answer = await within(waitMsMax, "mail", request);
      await answer.body?.cancel();
      if (!answer.ok) throw new OutOfReach(`mail: the provider answered ${answer.status}`);
    },
  };
}

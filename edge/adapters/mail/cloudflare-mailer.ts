import type { Mailer } from "../../agreements/mail.ts";
import { OutOfReach } from "../../errors.ts";
import { within } from "../within.ts";

const waitMsMax = 10_000;

/** Cloudflare's binding `send_email`, as far as we use it. */
export interface EmailBinding {
  send(message: { from: string; to: string; subject: string; text: string }): Promise<unknown>;
}

/** Sends mail through the platform's binding. Its errors may quote an address, so they are named only. */
export function cloudflareMailer(binding: EmailBinding, from: string): Mailer {
  return {
    isLocal: false,
    async send({ to, subject, text }) {
      const sent = binding.send({ from, to, subject, text }).catch(() => {
        throw new OutOfReach("mail: the platform did not take it");
      });
      await within(waitMsMax, "mail", sent);
    },
  };
}

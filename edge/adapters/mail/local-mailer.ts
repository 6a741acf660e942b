import type { Mailer } from "../../agreements/mail.ts";

/** "Sends" mail to the terminal of whoever develops, the one place where a mail's text is printed: only by setting. */
export function localMailer(print: (line: string) => void): Mailer {
  return {
    isLocal: true,
    async send({ to, subject, text }) {
      print(JSON.stringify({ event: "local_mail", to, subject, text }));
    },
  };
}

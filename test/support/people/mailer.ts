import type { Mail, Mailer } from "#edge/agreements/mail.ts";

/** Keeps what it is to send, and can be made to fail. */
export class FakeMailer implements Mailer {
  readonly isLocal = false;
  sent: Mail[] = [];
  fails = false;

  async send(mail: Mail): Promise<void> {
    if (this.fails) throw new Error("mail out of reach");
    this.sent.push(mail);
  }
}

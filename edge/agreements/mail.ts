/** A mail in plain text. What it says may be secret: nobody logs it. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Sends mail. `send` rejects with an `OutOfReach` when a mail did not go out; then it may be sent again. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
  /** Mail goes nowhere but to this machine's terminal, so what is in it may be shown on the page as well. */
  readonly isLocal: boolean;
}

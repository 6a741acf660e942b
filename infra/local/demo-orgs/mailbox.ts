import { setTimeout as sleep } from "node:timers/promises";

/** The mails that a local edge prints instead of sending them. */
export interface Mailbox {
  /** Takes a line of the edge's log; true where it was a mail. */
  take(line: string): boolean;
  /** The newest mail to an address that has this in it, once it has come. */
  wait(to: string, pattern: RegExp): Promise<string>;
}

const tries = 100;

/** A mailbox that keeps mails for as long as this process lives. */
export function openMailbox(): Mailbox {
  const mails: { to: string; text: string }[] = [];
  return {
    take(line) {
      if (!line.startsWith('{"event":"local_mail"')) return false;
      mails.push(JSON.parse(line));
      return true;
    },
    async wait(to, pattern) {
      for (let at = 0; at < tries; at++) {
        const found = mails.findLast((mail) => mail.to === to && pattern.test(mail.text));
        if (found) return pattern.exec(found.text)?.[0] ?? "";
        await sleep(50);
      }
      throw new Error(`no mail for ${to} was printed`);
    },
  };
}

import { formBytesInHandMax, formBytesMax, formMsMax, orgFormBytesInHandMax } from "../../limits.ts";
import { readBytes } from "../bytes.ts";
import { openIntake, type Intake, type Sender } from "../intake.ts";
import { refuseLargeFile } from "./read-form.ts";

/** Forms count from their first byte until their calls have an answer: another node may have to be sent them again. */
const isolateForms = openIntake({ all: formBytesInHandMax, org: orgFormBytesInHandMax });
const inHand = new WeakMap<Request, () => void>();

/**
 * Reads the bytes of a form, within its bounds and the isolate's: 503 `server_is_overloaded` where there is no room,
 * 413 for a larger one. They count as in hand until `releaseForm`.
 */
export function readFormBytes(
  request: Request,
  sender: Sender,
  forms: Pick<Intake, "enter"> = isolateForms,
): Promise<Uint8Array<ArrayBuffer>> {
  const share = forms.enter(sender);
  inHand.set(request, () => share.leave());
  const bounds = { bytesMax: formBytesMax, sender, msMax: formMsMax, refuseLarge: refuseLargeFile };
  return readBytes(request, bounds, { enter: () => ({ ...share, leave: () => undefined }) });
}

/** The call of this request has an answer, or will have none: its form is no longer needed. */
export function releaseForm(request: Request): void {
  inHand.get(request)?.();
  inHand.delete(request);
}

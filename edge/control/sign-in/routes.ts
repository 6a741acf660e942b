import { OpenAPIHono } from "@hono/zod-openapi";
import { refuseInvalid, takeBody } from "../http/body.ts";
import { renameMe, showMe, signOut } from "./own/me.ts";
import { addPasskey, listPasskeys, offerPasskey, removePasskey } from "./own/passkeys.ts";
import { addTotp, confirmTotp, removeTotp, renewBackupCodes } from "./own/second-factor.ts";
import { endOtherSessions, endSession, listSessions } from "./own/sessions.ts";
import { beginSignIn, type SignInEnv } from "./step.ts";
import { enterBackupCode, enterTotp } from "./ways/enter-second-factor.ts";
import { enterCode } from "./ways/enter-code.ts";
import { findLoginWay } from "./ways/find-login.ts";
import { listWays } from "./ways/list-ways.ts";
import { finishOidc, startOidc } from "./ways/oidc.ts";
import { sendCode } from "./ways/send-code.ts";
import { askPasskey, showPasskey } from "./ways/show-passkey.ts";

/** Where issuers send browsers back to, which nobody else calls. */
export const oidcCallback = {
  path: finishOidc[0].path,
  operationId: finishOidc[0].operationId,
  summary: finishOidc[0].summary,
} as const;

/**
 * The table of contents of signing in, mounted at `/auth` by the door that mounts the control plane. No write gets past
 * `beginSignIn` that does not come from a page of ours.
 */
export function createSignInRoutes(): OpenAPIHono<SignInEnv> {
  const app = new OpenAPIHono<SignInEnv>({ defaultHook: refuseInvalid });
  app.use(beginSignIn, takeBody);

  app.openapi(...listWays);
  app.openapi(...sendCode);
  app.openapi(...enterCode);
  app.openapi(...enterTotp);
  app.openapi(...enterBackupCode);
  app.openapi(...askPasskey);
  app.openapi(...showPasskey);
  app.openapi(...findLoginWay);
  app.openapi(...startOidc);
  app.openapi(...finishOidc);

  app.openapi(...showMe);
  app.openapi(...renameMe);
  app.openapi(...signOut);
  app.openapi(...listSessions);
  app.openapi(...endOtherSessions);
  app.openapi(...endSession);
  app.openapi(...listPasskeys);
  app.openapi(...offerPasskey);
  app.openapi(...addPasskey);
  app.openapi(...removePasskey);
  app.openapi(...addTotp);
  app.openapi(...confirmTotp);
  app.openapi(...removeTotp);
  app.openapi(...renewBackupCodes);
  return app;
}

import { APIError, createAuthEndpoint } from "better-auth/api";
import { setSessionCookie } from "better-auth/cookies";
import { handleOAuthUserInfo } from "better-auth/oauth2";
import { z } from "zod";
import { OrgId } from "../../agreements/tokens/ids.ts";

/** Where a session begins by what an issuer has proven. */
export const issuerPath = "/penstock/issuer";

/** What was proven, as `IssuerProof` of the port. */
export const IssuerBody = z.strictObject({
  provider: z.string(),
  subject: z.string().min(1).max(255),
  email: z.email(),
  name: z.string(),
  isStrong: z.boolean(),
  onlyOrg: OrgId.nullable(),
});

/**
 * A way in of ours: what OpenID Connect has proven elsewhere becomes a session. Whose it is the library finds, by the
 * issuer's subject, then by the address; who was not known is known from then on. No request of a caller gets here.
 */
export const issuerProof = {
  id: "penstock-issuer",
  endpoints: {
    enterByIssuer: createAuthEndpoint(issuerPath, { method: "POST", body: IssuerBody }, async (c) => {
      const { provider: providerId, subject: accountId, email, name } = c.body;
      const enter = () =>
        handleOAuthUserInfo(c, {
          userInfo: { id: accountId, email, name, emailVerified: true },
          account: { providerId, accountId },
          trustProviderByName: false,
        });
      // Of two browsers of somebody new one makes the account, and the other finds it.
      const data = (await enter()).data ?? (await enter()).data;
      if (!data) throw new APIError("UNAUTHORIZED", { code: "ISSUER_REFUSED" });
      await setSessionCookie(c, data);
      return c.json({ user: data.user.id, email: data.user.email });
    }),
  },
};

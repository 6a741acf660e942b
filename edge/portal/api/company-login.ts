import { api, ApiFailure, ask, type Shown } from "./client.ts";

/** An org's company login; null where it has none. */
export async function readCompanyLogin(org: string): Promise<Shown<"CompanyLogin"> | null> {
  try {
    return await ask(api.GET("/control/orgs/{org}/company-login", { params: { path: { org } } }));
  } catch (failure) {
    if (failure instanceof ApiFailure && failure.status === 404) return null;
    throw failure;
  }
}

/** The company login of an address's domain; null where there is none, or it cannot be asked. */
export async function findCompanyLogin(email: string): Promise<{ id: string; name: string } | null> {
  const found = ask(api.POST("/auth/sign-in/company", { body: { email } }));
  return found.then(({ login }) => login).catch(() => null);
}

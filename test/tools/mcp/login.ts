// A `fetch` that logs in as a server asks, by the SDK's own OAuth, for a user who agrees to everything at once.

import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { auth, extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";

/** How often a request logs in anew before what it got is its answer. */
const MAX_LOGINS = 2;

/**
 * Makes one.
 *
 * @param serverUrl the server that is logged in to
 * @param known a client that is registered already
 */
export function loggingIn(
  serverUrl: string,
  known?: { client_id: string; client_secret?: string | undefined },
): typeof fetch {
  const user = agreeableUser(known);
  const login = async (refusal: Response) => {
    const asked = { serverUrl, ...extractWWWAuthenticateParams(refusal) };
    if ((await auth(user.provider, asked)) === "AUTHORIZED") return;
    await auth(user.provider, { ...asked, authorizationCode: await user.code() });
  };
  return async (input, init) => {
    for (let logins = 0; ; logins += 1) {
      const { access_token: token } = (await user.provider.tokens()) ?? {};
      const headers = new Headers(init?.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      const response = await fetch(input, { ...init, headers });
      if (![401, 403].includes(response.status) || logins === MAX_LOGINS) return response;
      await response.body?.cancel();
      await login(response);
    }
  };
}

function agreeableUser(known: Parameters<typeof loggingIn>[1]) {
  const kept: { client?: typeof known; tokens?: Awaited<ReturnType<OAuthClientProvider["tokens"]>> } = {};
  let verifier = "";
  let agreedAt: URL | undefined;
  const redirectUrl = "http://localhost:3000/callback";
  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: { client_name: "loophost", redirect_uris: [redirectUrl] },
    clientMetadataUrl: "https://conformance-test.local/client-metadata.json",
    clientInformation: () => kept.client ?? known,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (url) => void (agreedAt = url),
    saveCodeVerifier: (given) => void (verifier = given),
    codeVerifier: () => verifier,
  };
  const code = async () => {
    const { headers } = await fetch(agreedAt ?? "", { redirect: "manual" });
    return new URL(headers.get("location") ?? "").searchParams.get("code") ?? "";
  };
  return { provider, code };
}

/** Who is let in, and what a request may carry that the server does not know. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import { at, must, ok, refused, textAt } from "../expect.ts";
import type { TestClient } from "../test-client.ts";
import type { Ask } from "../wire.ts";

const ANYTHING = "/v1/sessions?limit=1";

/** The checks. */
export const accessChecks: readonly ConformanceCheck[] = checksOf("access", 1, [
  {
    name: "bearer",
    title: "takes the key as Authorization: Bearer",
    why: "The official SDKs send it so since version 1.0.",
    run: async ({ wire }) => void ok(await wire.get(ANYTHING, { auth: "bearer" })),
  },
  {
    name: "x-api-key",
    title: "takes the key as x-api-key",
    why: "Older SDKs and most curl commands send it so.",
    run: async ({ wire }) => void ok(await wire.get(ANYTHING, { auth: "x-api-key" })),
  },
  {
    name: "no-key",
    title: "answers 401 authentication_error to a request without a key, where it asks for one",
    why: "Clients tell a missing key from every other refusal by this.",
    run: (client) => refusesKey(client, "none"),
  },
  {
    name: "wrong-key",
    title: "answers 401 authentication_error to a wrong key, where it asks for one",
    why: "A server that only looks whether there is a key lets everybody in.",
    run: (client) => refusesKey(client, "wrong"),
  },
  {
    name: "beta-flag",
    title: "ignores ?beta=true",
    why: "SDKs before 1.11 put it on every path.",
    async run(client) {
      ok(await client.wire.get(`${ANYTHING}&beta=true`));
      const session = textAt(await client.newSession(), "id");
      ok(await client.wire.get(`/v1/sessions/${session}?beta=true`));
      ok(await client.wire.post(`/v1/sessions/${session}?beta=true`, { title: "beta" }));
    },
  },
  {
    name: "versions",
    title: "takes both values of anthropic-version",
    why: "SDKs before 1.0 send 2023-06-01, later ones 2026-10-21.",
    async run({ wire }) {
      for (const version of ["2023-06-01", "2026-10-21"])
        ok(await wire.get(ANYTHING, { headers: { "anthropic-version": version } }));
    },
  },
  {
    name: "unknown-query",
    title: "ignores query parameters it does not know",
    why: "A newer client talks to an older server.",
    run: async ({ wire }) => void ok(await wire.get(`${ANYTHING}&x_unknown=1&x_list%5B%5D=a`)),
  },
  {
    name: "unknown-body",
    title: "ignores fields of a body it does not know",
    why: "A newer client talks to an older server.",
    async run(client) {
      await client.newSession({ x_unknown: { a: [1] } });
      await client.newAgent({ x_unknown: true });
    },
  },
]);

async function refusesKey({ wire }: TestClient, auth: Ask["auth"]): Promise<void> {
  const reply = await wire.get(ANYTHING, { auth });
  if (reply.status === 200) {
    // A server that lets in who has no key asks for none; then a wrong one is no reason to refuse.
    const open = auth === "none" ? reply : await wire.get(ANYTHING, { auth: "none" });
    if (open.status === 200) throw new Inapplicable("this server asks for no key");
  }
  refused(reply, [401]);
  must(at(reply.body, "error", "type") === "authentication_error", reply, "authentication_error");
}

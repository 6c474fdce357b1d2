/** How errors look, and how requests are named. */

import type { ConformanceCheck, Evidence } from "../check.ts";
import { checksOf } from "../check.ts";
import { at, hasKeys, must, ok, refused, textAt } from "../expect.ts";
import type { Reply } from "../wire.ts";

/** The checks. */
export const errorChecks: readonly ConformanceCheck[] = checksOf("errors", 1, [
  {
    name: "body",
    title: "describes an error by type, message and request_id",
    why: "Clients read error.type to decide what to do, and show the rest to people.",
    async run({ wire }) {
      const reply = refused(await wire.get("/v1/sessions/sesn_unknown"), [404]);
      hasKeys(reply, reply.body, ["request_id"]);
      must(at(reply.body, "error", "type") === "not_found_error", reply, "error.type not_found_error");
      textAt(reply, "error", "message");
    },
  },
  {
    name: "request-id",
    title: "sends a request-id header, a new one each time, the error body's own where there is one",
    why: "Support desks find a request by it.",
    async run({ wire }) {
      const fine = ok(await wire.get("/v1/sessions?limit=1"));
      const failed = await wire.get("/v1/sessions/sesn_unknown");
      const [a, b] = [fine.headers.get("request-id"), failed.headers.get("request-id")];
      must(Boolean(a), withHeader(fine), "a request-id header on a reply that succeeded");
      must(Boolean(b), withHeader(failed), "a request-id header on an error");
      must(a !== b, withHeader(failed), "another request-id than on the request before");
      must(at(failed.body, "request_id") === b, withHeader(failed), "the header's request id in the body");
    },
  },
  {
    name: "json",
    title: "answers 400 invalid_request_error to a body that is not JSON",
    why: "Anything else looks like a server that failed, and is tried again.",
    async run({ wire }) {
      const reply = refused(await wire.post("/v1/agents", '{"name":'), [400]);
      must(at(reply.body, "error", "type") === "invalid_request_error", reply, "invalid_request_error");
    },
  },
  {
    name: "missing-field",
    title: "answers 400 invalid_request_error when a field is missing that must be there",
    why: "A mistake of the program must not look like one of the server.",
    async run({ wire }) {
      const reply = refused(await wire.post("/v1/agents", { model: "any" }), [400]);
      must(at(reply.body, "error", "type") === "invalid_request_error", reply, "invalid_request_error");
    },
  },
  {
    name: "unknown-route",
    title: "answers 404 not_found_error to paths it does not know",
    why: "Clients find out by it what a server does not have.",
    async run({ wire }) {
      const reply = refused(await wire.get("/v1/x-unknown"), [404]);
      must(at(reply.body, "error", "type") === "not_found_error", reply, "error.type not_found_error");
    },
  },
]);

function withHeader(reply: Reply): Evidence {
  const id = reply.headers.get("request-id");
  return { sent: reply.sent, came: `${reply.came}, ${id === null ? "no request-id" : `request-id: ${id}`}` };
}

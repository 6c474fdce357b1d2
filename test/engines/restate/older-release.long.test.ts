// What an older release began in Restate, and left there when its workers ended: it keeps no session from workers of this one.

import { createServer } from "node:http2";

import * as restate from "@restatedev/restate-sdk";
import { restateEngine } from "loophost/engines/restate";
import { describe, expect, it, onTestFinished } from "vitest";

import { freePorts, restateServer, skipped, whyNoRestate } from "./server.ts";

/** Workers of that release: an activation had a journal, and so was bound to the address it began at. */
function olderWorkers(name: string, begun: () => void): ReturnType<typeof createServer> {
  const sessions = restate.object({
    name,
    handlers: {
      async activate(ctx: restate.ObjectContext): Promise<void> {
        await ctx.run("activation", () => "begun");
        begun();
        await new Promise(() => undefined);
      },
    },
  });
  return createServer(restate.createEndpointHandler({ services: [sessions], logger: () => undefined }));
}

describe.skipIf(whyNoRestate !== undefined)(`an older release over Restate${skipped}`, () => {
  it("leaves activations under way that nobody can end, and its sessions are run all the same", async () => {
    await using server = await restateServer();
    const { ingress, admin } = server;
    const [port = 0] = await freePorts(1);
    const first = Promise.withResolvers<void>();
    const older = olderWorkers("app", first.resolve);
    older.on(
      "session",
      (session) => void first.promise.then(() => older.close()).then(() => session.destroy()),
    );
    await new Promise<void>((resolve) => {
      older.listen(port, "127.0.0.1", resolve);
    });
    const post = (url: string, body: string) =>
      fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    await post(`${admin}/deployments`, JSON.stringify({ uri: `http://127.0.0.1:${port}` }));
    await post(`${ingress}/app/s/activate/send`, "");
    await first.promise;

    const begun: string[] = [];
    const engine = restateEngine({ ingress, admin, name: "app", listen: { port: 0 } });
    onTestFinished(() => engine.close());
    await engine.work({
      async activate(id) {
        begun.push(id);
        return { now: "parked" };
      },
    });
    await engine.wake("s");
    await expect.poll(() => begun).toEqual(["s"]);
  });
});

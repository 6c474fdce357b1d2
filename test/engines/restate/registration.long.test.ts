// The address of the workers, over a real Restate that forgets it, or sends all to a release that is gone.

import { restateEngine } from "loophost/engines/restate";
import type { Engine } from "loophost/sessions";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import { checkRestateOptions } from "../../../src/engines/restate/options.ts";
import { Registration } from "../../../src/engines/restate/registration.ts";
import type { RestateServer } from "./server.ts";
import { freePorts, restateServer, skipped, whyNoRestate } from "./server.ts";

describe.skipIf(whyNoRestate !== undefined)(`workers Restate has forgotten${skipped}`, () => {
  let restate: RestateServer;
  beforeAll(async () => {
    restate = await restateServer();
  });
  afterAll(() => restate[Symbol.asyncDispose]());

  /** A worker of a release, and others like it that look after their address. */
  async function release(name: string, begun: string[], others: number, lookMs: number) {
    const [port = 0] = await freePorts(1);
    const settings = { ingress: restate.ingress, admin: restate.admin, name: "app" };
    const engine: Engine = restateEngine({ ...settings, listen: { port } });
    await engine.work({
      async activate(id) {
        begun.push(`${id} by ${name}`);
        return { now: "parked" };
      },
    });
    const uri = `http://127.0.0.1:${port}`;
    const watching = Array.from({ length: others }, () => {
      const registration = new Registration(checkRestateOptions(settings), uri, lookMs);
      registration.watch();
      return registration;
    });
    onTestFinished(async () => {
      for (const registration of watching) registration.stop();
      await engine.close();
    });
    return { engine, uri };
  }

  async function admin(path: string, method = "GET") {
    const response = await fetch(`${restate.admin}/${path}`, { method });
    return Object(await response.json().catch(() => ({})));
  }

  it.each(["removed", "emptied"])(
    "tell it again, and not all twenty at once: %s",
    { timeout: 90_000 },
    async (what) => {
      const begun: string[] = [];
      const { uri } = await release("one", begun, 20, 2_000);
      const { deployment_id: id } = await admin("services/app");
      if (what === "removed") await admin(`deployments/${id}?force=true`, "DELETE");
      else {
        await restate.kill();
        await restate.start({ isEmptied: true });
      }
      await expect.poll(() => admin("services/app")).toHaveProperty("revision");
      const found = await admin("services/app");
      expect(await admin(`deployments/${found.deployment_id}`)).toMatchObject({ uri: `${uri}/` });
      // By somebody who is no worker, and could not register anything.
      await restateEngine({ ingress: restate.ingress, name: "app" }).wake("s");
      await expect.poll(() => begun).toEqual(["s by one"]);
      expect((await admin("services/app")).revision).toBeLessThan(5);
    },
  );

  it("are called again when a release that came after them is gone", { timeout: 90_000 }, async () => {
    const begun: string[] = [];
    await release("the old one", begun, 1, 100);
    const { engine } = await release("the new one", begun, 0, 100);
    const anybody = restateEngine({ ingress: restate.ingress, name: "app" });
    await anybody.wake("first");
    await expect.poll(() => begun).toEqual(["first by the new one"]);
    await engine.close();
    await anybody.wake("second");
    await expect.poll(() => begun.at(-1)).toBe("second by the old one");
  });
});

// When a worker registers its address again, and when it leaves another's alone, by what Restate says of it.

import { createServer } from "node:http";

import { expect, it, onTestFinished } from "vitest";

import { checkRestateOptions } from "../../../src/engines/restate/options.ts";
import { Registration } from "../../../src/engines/restate/registration.ts";

const OURS = "http://workers.internal:9080";
const NEWER = "http://newer.internal:9080/";
/** What Restate says of the addresses it knows, look by look; the last answer stays. */
interface Played {
  /** The address that is called: that of the nth registration; undefined for none. */
  readonly found: readonly (string | undefined)[];
  /** Whether it reaches that. */
  readonly reached?: readonly (boolean | "no answer")[];
}

/** Watches over a Restate that is played; gives what was asked of it: "look", "try ADDRESS" and "register ADDRESS". */
async function watched({ found, reached = [true] }: Played): Promise<readonly string[]> {
  const asked: string[] = [];
  const next = <T>(answers: readonly T[], what: string) =>
    answers[Math.min(asked.filter((one) => one.startsWith(what)).length - 1, answers.length - 1)];
  let current: string | undefined;
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    let text = "";
    request.on("data", (data) => (text += String(data)));
    request.on("end", () => {
      if (request.url === "/services/app") {
        asked.push("look");
        current = next(found, "look");
        if (current === undefined) answer(404, { message: "The requested service 'app' does not exist" });
        else answer(200, { name: "app", deployment_id: "dp_1" });
      } else if (request.url === "/deployments/dp_1")
        answer(200, { id: "dp_1", uri: current, created_at: current });
      else {
        const { uri, dry_run: isTry = false } = JSON.parse(text);
        asked.push(`${isTry === true ? "try" : "register"} ${uri}`);
        const isReached = isTry === true ? next(reached, "try") : true;
        if (isReached === false) answer(500, { message: "[META0003] connection refused" });
        else if (isReached === "no answer") request.socket.destroy();
        else answer(isTry === true ? 200 : 201, {});
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const admin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const settings = checkRestateOptions({ ingress: admin, admin, name: "app" });
  const registration = new Registration(settings, OURS, 4);
  registration.watch();
  onTestFinished(() => {
    registration.stop();
    server.closeAllConnections();
    server.close();
  });
  return asked;
}

const registered = `register ${OURS}`;
const [look, tried] = ["look", `try ${NEWER}`];

it("registers an address that Restate does not have, and then no more", async () => {
  const asked = await watched({ found: [undefined, undefined, `${OURS}/`] });
  await expect.poll(() => asked.length).toBeGreaterThan(6);
  expect(asked.slice(0, 3)).toEqual([look, look, registered]);
  expect(asked.slice(3)).toEqual(asked.slice(3).map(() => look));
});

it("leaves the address of a newer release alone, also one that is out of reach for a moment", async () => {
  const asked = await watched({
    found: [NEWER],
    reached: [true, false, false, true, false, "no answer", true],
  });
  await expect.poll(() => asked.filter((one) => one === tried).length).toBeGreaterThan(8);
  expect(asked.filter((one) => one.startsWith("register"))).toEqual([]);
});

it.each([false, "no answer"] as const)(
  "takes the address of a release for gone that Restate does not reach: %s",
  async (reached) => {
    const asked = await watched({ found: [NEWER], reached: [true, reached] });
    await expect.poll(() => asked).toContain(registered);
    const before = asked.slice(0, asked.indexOf(registered));
    expect(before.join()).toBe([look, tried, look, tried, look, tried, look, tried, look].join());
  },
);

it("takes nothing from a release that started just then", async () => {
  const asked = await watched({
    found: [...Array.from({ length: 3 }, () => NEWER), "http://newest.internal:9080/"],
    reached: [false, false, false, true],
  });
  await expect.poll(() => asked.length).toBeGreaterThan(12);
  expect(asked.filter((one) => one.startsWith("register"))).toEqual([]);
});

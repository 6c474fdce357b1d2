// The bus over LISTEN and NOTIFY: who hears what, and from when on.

import { setTimeout } from "node:timers/promises";

import { postgresBus } from "loophost/engines/postgres";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Database } from "../../../src/stores/postgres/database.ts";
import { Notices } from "../../../src/stores/postgres/engine/notices.ts";
import { listeningWhenLet } from "./listening.ts";
import { newSchema } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

describe.skipIf(whyNoPostgres !== undefined)(`the bus on PostgreSQL${skipped}`, () => {
  it("carries a word once to each who listens, and a long one as a look into the store", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const [bus, other] = [postgresBus(url, { schema }), postgresBus(url, { schema })];
    onTestFinished(() => Promise.all([bus.close(), other.close()]).then(() => undefined));
    const heard: unknown[] = [];
    let isListening = false;
    const leave = bus.listen("s", (what) => heard.push(["first", what]));
    bus.listen("s", (what) => heard.push(["second", what]));
    bus.listen("t", () => (isListening = true));
    // Nobody is told when a bus has begun to listen.
    const isThere = () => {
      other.say("t", "there?");
      return isListening;
    };
    await expect.poll(isThere).toBe(true);
    // One that comes when the connection is there makes nobody hear twice.
    bus.listen("u", () => undefined);
    other.say("s", "short");
    await expect.poll(() => heard).toHaveLength(2);
    leave();
    other.say("s", "x".repeat(8_000));
    await expect.poll(() => heard).toHaveLength(3);
    expect(heard).toEqual([
      ["first", "short"],
      ["second", "short"],
      ["second", { say: "look" }],
    ]);
  });

  it("says nothing before it hears: an answer that comes at once reaches a bus that began just now", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const other = postgresBus(url, { schema });
    const { bus } = await listeningWhenLet(schema, () => setTimeout(200));
    onTestFinished(() => other.close());
    let isThere = false;
    other.listen("s", (what) => {
      isThere = true;
      if (what === "who is there?") other.say("s", "I am");
    });
    const toItself = () => {
      other.say("s", "hello");
      return isThere;
    };
    await expect.poll(toItself).toBe(true);
    const heard: unknown[] = [];
    bus.listen("s", (what) => heard.push(what));
    bus.say("s", "who is there?");
    await expect.poll(() => heard).toContain("I am");
  });

  it("has a bound for what waits, in pieces and in bytes, and sends the rest once the database answers", async () => {
    const said: string[] = [];
    const answers = Promise.withResolvers<void>();
    const database = {
      async once(_: string, values: [string, readonly string[]]) {
        await answers.promise;
        said.push(...values[1]);
        return [];
      },
    } as unknown as Database;
    const notices = new Notices(database, "words");
    for (let index = 0; index < 5_000; index += 1) notices.say(`${index} ${"x".repeat(7_000)}`);
    answers.resolve();
    await notices.flush();
    expect(said.length).toBeGreaterThan(500);
    expect(said.join("").length).toBeLessThan(10_000_000);
  });
});

// The bus over LISTEN and NOTIFY: who hears what, from when on, and again after the connection that listens broke.

import { setTimeout } from "node:timers/promises";

import { defineAgent } from "loophost";
import { postgresBus, postgresEngine } from "loophost/engines/postgres";
import { local } from "loophost/providers/local";
import type { Bus } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import type { PostgresPool } from "loophost/stores/postgres";
import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Database } from "../../../src/stores/postgres/database.ts";
import { Notices } from "../../../src/stores/postgres/engine/notices.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

/** A busy machine takes its time. */
const PATIENT = { timeout: 5_000 };

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
    await expect.poll(isThere, PATIENT).toBe(true);
    // One that comes when the connection is there makes nobody hear twice.
    bus.listen("u", () => undefined);
    other.say("s", "short");
    await expect.poll(() => heard, PATIENT).toHaveLength(2);
    leave();
    other.say("s", "x".repeat(8_000));
    await expect.poll(() => heard, PATIENT).toHaveLength(3);
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
    await expect.poll(toItself, PATIENT).toBe(true);
    const heard: unknown[] = [];
    bus.listen("s", (what) => heard.push(what));
    bus.say("s", "who is there?");
    await expect.poll(() => heard, PATIENT).toContain("I am");
  });

  it("brings a reader what was said while the connection he listens by was away, deltas and whole events", async () => {
    const { reader, model, isSaid } = await apart("reader");
    const { chat, shown, breaks } = reader;
    await chat.send("write");
    model.write("one ");
    await expect.poll(shown, PATIENT).toBe("one ");
    const again = await breaks();
    model.write("two ");
    await isSaid("two ");
    again();
    await expect.poll(shown, PATIENT).toBe("one two ");
    const onceMore = await breaks();
    model.write("three");
    model.end();
    await isSaid("three");
    await expect.poll(async () => (await chat.summary())?.status, PATIENT).toBe("idle");
    onceMore();
    await expect.poll(shown, PATIENT).toBe("one two |one two three|");
  });

  it("asks who follows, after the connection of a worker was away", async () => {
    const { reader, model, worker } = await apart("worker");
    await reader.chat.send("write");
    model.write("one ");
    await expect.poll(reader.shown, PATIENT).toBe("one ");
    const again = await worker.breaks();
    const late = reader.follow();
    await setTimeout(50);
    again();
    await expect.poll(late, PATIENT).toBe("one ");
    model.end();
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

/** A bus whose LISTEN waits for what it is given, each time. */
async function listeningWhenLet(schema: string, mayListen: () => Promise<unknown>) {
  const { url } = await sharedPostgres();
  const pool = new Pool({ connectionString: url });
  let pid: unknown;
  const slow: PostgresPool = {
    query: (text, values) => pool.query(text, values as unknown[]),
    async connect() {
      const client = await pool.connect();
      return {
        query: async (text, values) => {
          if (text.startsWith("LISTEN")) {
            pid = (await client.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;
            await mayListen();
          }
          return client.query(text, values as unknown[]);
        },
        on: (name: string, listener: () => void) => client.on(name as "end", listener),
        release: (isBroken?: boolean) => client.release(isBroken),
      };
    },
  };
  const bus = postgresBus(slow, { schema });
  onTestFinished(() => bus.close().then(() => pool.end()));
  return { bus, kill: () => pool.query("SELECT pg_terminate_backend($1)", [pid]) };
}

/** A reader and a worker in processes of their own, as it were; the connection of one of them can be broken. */
async function apart(who: "reader" | "worker") {
  const { url } = await sharedPostgres();
  const schema = newSchema();
  let gate: { readonly reached: () => void; readonly open: Promise<void> } | undefined;
  const breaking = await listeningWhenLet(schema, async () => {
    gate?.reached();
    await gate?.open;
  });
  /** Breaks the connection; gives what lets it listen again. */
  async function breaks(): Promise<() => void> {
    const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    gate = { reached: reached.resolve, open: open.promise };
    await breaking.kill();
    await reached.promise;
    return open.resolve;
  }
  const steady = () => {
    const bus = postgresBus(url, { schema });
    onTestFinished(() => bus.close());
    return bus;
  };
  const words: (string | undefined)[] = [];
  let hasMore: () => void = () => undefined;
  const model = {
    write: (word: string) => {
      words.push(word);
      hasMore();
    },
    end: () => {
      words.push(undefined);
      hasMore();
    },
  };
  const agent = defineAgent({ name: "a", instructions: "Answer." });
  const provider = local({
    async *model() {
      for (;;) {
        if (words.length === 0)
          await new Promise<void>((resolve) => {
            hasMore = resolve;
          });
        const text = words.shift();
        if (text === undefined) return;
        yield { type: "text", text };
      }
    },
  });
  const app = (bus: Bus, isWorker: boolean) => {
    const made = sessions({
      store: openedStore(url, { schema }),
      engine: postgresEngine(url, { schema }),
      bus,
      pollMs: 60_000,
      agents: isWorker ? [{ agent, provider }] : [],
    });
    onTestFinished(() => made.close());
    return made;
  };
  const [web, works] = [
    app(who === "reader" ? breaking.bus : steady(), false),
    app(who === "worker" ? breaking.bus : steady(), true),
  ];
  await works.work({ sweep: false });
  const chat = await web.create("a");
  /** Follows; gives what was shown, deltas as they came and whole messages between bars. */
  function follow(): () => string {
    let text = "";
    const left = new AbortController();
    onTestFinished(() => left.abort());
    (async () => {
      for await (const event of chat.follow({ signal: left.signal }))
        if (event.type === "text.delta") text += event.text;
        else if (event.type === "message") text += `|${event.text}|`;
    })().catch((thrown: unknown) => (text += String(thrown)));
    return () => text;
  }
  // Somebody who hears all the while.
  const witness = steady();
  let heard = "";
  witness.listen(chat.id, (what) => (heard += JSON.stringify(what)));
  return {
    model,
    reader: { chat, follow, shown: follow(), breaks },
    worker: { breaks },
    isSaid: (word: string) => expect.poll(() => heard, PATIENT).toContain(word),
  };
}

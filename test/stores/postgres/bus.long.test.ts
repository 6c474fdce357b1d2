// The bus over LISTEN and NOTIFY when the connection that listens breaks, or cannot be made at first.

import { setTimeout } from "node:timers/promises";

import { defineAgent } from "loophost";
import { postgresBus, postgresEngine } from "loophost/engines/postgres";
import { local } from "loophost/providers/local";
import type { Bus } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { describe, expect, it, onTestFinished } from "vitest";

import { listeningWhenLet } from "./listening.ts";
import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

describe.skipIf(whyNoPostgres !== undefined)(`the bus on PostgreSQL, cut off${skipped}`, () => {
  it("brings a reader what was said while the connection he listens by was away, deltas and whole events", async () => {
    const { reader, model, isSaid } = await apart("reader");
    const { chat, shown, breaks } = reader;
    await chat.send("write");
    model.write("one ");
    await expect.poll(shown).toBe("one ");
    const again = await breaks();
    model.write("two ");
    await isSaid("two ");
    again();
    await expect.poll(shown).toBe("one two ");
    const onceMore = await breaks();
    model.write("three");
    model.end();
    await isSaid("three");
    await expect.poll(async () => (await chat.summary())?.status).toBe("idle");
    onceMore();
    await expect.poll(shown).toBe("one two |one two three|");
  });

  it("asks who follows, after the connection of a worker was away", async () => {
    const { reader, model, worker } = await apart("worker");
    await reader.chat.send("write");
    model.write("one ");
    await expect.poll(reader.shown).toBe("one ");
    const again = await worker.breaks();
    const late = reader.follow();
    await setTimeout(50);
    again();
    await expect.poll(late).toBe("one ");
    model.end();
  });

  it("listens as soon as it can, where it could not at first", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    let attempts = 0;
    const { bus } = await listeningWhenLet(schema, async () => {
      attempts += 1;
      if (attempts === 1) throw new Error("not now");
    });
    const other = postgresBus(url, { schema });
    onTestFinished(() => other.close());
    const heard: unknown[] = [];
    bus.listen("s", (what) => heard.push(what));
    await expect.poll(() => heard).toContainEqual({ say: "look" });
    other.say("s", "hello");
    await expect.poll(() => heard).toContain("hello");
  });
});

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
    isSaid: (word: string) => expect.poll(() => heard).toContain(word),
  };
}

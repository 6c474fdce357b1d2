// What happens to those who post, and to what they post: they die, say it ten times, contradict each other, and interrupt.

import { setTimeout } from "node:timers/promises";

import type { SessionRef } from "loophost/sessions";

import type { Fleet } from "../fleet.ts";
import { begunIn, entriesOf, judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere } from "./cell.ts";

async function begunAt(fleet: Fleet, chat: SessionRef, after: number): Promise<number> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    const started = (await entriesOf(fleet, chat)).find(
      ({ type, at }) => type === "run.started" && at > after,
    );
    if (started !== undefined) return started.at;
    if (performance.now() > giveUpAt) throw new Error(`session ${chat.id} was not run`);
    await setTimeout(10);
  }
}

async function modelAsked(fleet: Fleet, chat: SessionRef): Promise<void> {
  const isAsked = async () =>
    (await entriesOf(fleet, chat)).some(({ events = [] }) =>
      events.some(({ type }) => type === "model.asked"),
    );
  const giveUpAt = performance.now() + 30_000;
  while (!(await isAsked()) && performance.now() < giveUpAt) await setTimeout(10);
}

/** The cells. */
export const postCells: Readonly<Record<string, Cell>> = {
  K5: {
    what: "who posts is killed between inbox and wake",
    isIn: everywhere,
    async play(fleet) {
      const { wrong, check } = checks();
      const chats = await fleet.ask(1, ["say hello"]);
      await fleet.begin();
      await fleet.begin();
      await fleet.idle(chats, 1);
      const at = Date.now();
      const receipts = await fleet.post({ id: "s0", post: "send", what: "go 2", times: 1, diesInWake: true });
      check(receipts === undefined, "who was to die lived");
      const tookMs = (await begunAt(fleet, chats[0] as SessionRef, at)) - at;
      check(tookMs <= 5_000, `it was found after ${tookMs} ms`);
      await fleet.idle(chats, 2);
      return { ...(await judge(fleet, chats, 2)), latencies: [], wrong, note: `found after ${tookMs} ms` };
    },
  },
  K6: {
    what: "one item by two processes ten times, idle or at work; approved and denied at once",
    isIn: everywhere,
    async play(fleet, { run }) {
      const { wrong, check } = checks();
      const chats = await fleet.ask(1, ["call refund {}"]);
      await fleet.begin();
      const [call = ""] = await fleet.waiting(chats);
      const decisions = await Promise.all([
        fleet.post({ id: "s0", post: "approve", what: call, times: 1 }),
        fleet.post({ id: "s0", post: "deny", what: call, times: 1 }),
      ]);
      const applied = decisions.flat().filter((receipt) => receipt?.["applied"] === true);
      check(applied.length === 1, `${applied.length} decisions were told that they hold`);
      await fleet.idle(chats, 1);
      const [decided] = (await entriesOf(fleet, chats[0] as SessionRef)).filter(
        ({ type }) => type === "decided",
      );
      const holds = Object(applied[0]?.["decision"]).allow;
      check(Object(decided).allow === holds, "the decision on record is not the one that was told");
      check(begunIn(fleet).length === (holds === true ? 1 : 0), "the tool did not do as decided");
      const isAtWork = run % 2 === 1;
      if (isAtWork) await chats[0]?.send("go 30", { key: "busy" });
      const send = { id: "s0", post: "send", what: "say once", key: "once", times: 10 } as const;
      const receipts = await Promise.all([fleet.post(send), fleet.post(send)]);
      const isNew = receipts.flat().filter((receipt) => receipt?.["isNew"] === true);
      check(isNew.length === 1, `${isNew.length} of 20 posts were told to be the first`);
      const runs = isAtWork ? 3 : 2;
      await fleet.idle(chats, runs);
      return { ...(await judge(fleet, chats, runs)), wrong };
    },
  },
  K7: {
    what: "a message while an approval is waited for, then the decision",
    isIn: everywhere,
    async play(fleet, { run }) {
      const { wrong, check } = checks();
      const chats = await fleet.ask(4, ["call refund {}"]);
      const victim = await fleet.begin();
      const calls = await fleet.waiting(chats);
      for (const chat of chats) await chat.send("say later", { key: "later" });
      if (run % 2 === 1) victim.child.kill("SIGKILL");
      await fleet.begin();
      for (const [index, chat] of chats.entries())
        await (index % 2 === 0 ? chat.approve(calls[index] ?? "") : chat.deny(calls[index] ?? ""));
      await fleet.idle(chats, 2);
      for (const chat of chats) {
        const said = (await entriesOf(fleet, chat)).filter(({ type }) => type === "run.started");
        const texts = said.map(({ input }) => JSON.stringify(input));
        const isInOrder = texts[0]?.includes("refund") === true && texts[1]?.includes("later") === true;
        check(texts.length === 2 && isInOrder, `session ${chat.id} saw ${texts.join(", ")}`);
      }
      check(begunIn(fleet).length === 2, "other tools began than were approved");
      return { ...(await judge(fleet, chats, 2)), wrong };
    },
  },
  K8: {
    what: "an interrupt of tools, or of the model, and the worker killed before its host hears of it",
    isIn: everywhere,
    async play(fleet, { run }) {
      const { wrong, check } = checks();
      const inModel = run % 2 === 1;
      const chats = await fleet.ask(4, [inModel ? "long 60000" : 'call take {"ms":60000}']);
      const victim = await fleet.begin();
      if (inModel) for (const chat of chats) await modelAsked(fleet, chat);
      else while (begunIn(fleet).length < chats.length) await setTimeout(10);
      await Promise.all(
        chats.map(async (chat, index) => {
          await chat.interrupt();
          if (index === 0) victim.child.kill("SIGKILL");
        }),
      );
      await fleet.begin();
      await fleet.idle(chats, 1);
      for (const chat of chats) {
        const ended = (await entriesOf(fleet, chat)).filter(({ type }) => type === "run.ended");
        const is = ended.map(({ ending }) => ending).join(", ");
        check(is === "interrupted", `session ${chat.id} ended ${is}`);
      }
      const begun = begunIn(fleet).length;
      check(begun === (inModel ? 0 : chats.length), "a tool began again after the interrupt");
      return { ...(await judge(fleet, chats, 1)), wrong };
    },
  },
};

// Readers that are killed, and workers under them: each whole event once and in order, and no text with a hole in it.

import { setTimeout } from "node:timers/promises";

import type { FollowedEvent } from "loophost/sessions";

import { judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere } from "./cell.ts";

/** What a reader was shown since the last whole event, and did not retract. */
function piecesAtEnd(events: readonly FollowedEvent[]): string {
  return events.reduce((shown, event) => (event.type === "text.delta" ? shown + event.text : ""), "");
}

/** The messages of which a reader was shown something else before. */
function holesIn(events: readonly FollowedEvent[]): number {
  return events.filter(
    (event, at) => event.type === "message" && !event.text.startsWith(piecesAtEnd(events.slice(0, at))),
  ).length;
}

const isWhole = ({ type }: FollowedEvent): boolean => !type.endsWith(".delta") && type !== "deltas.retracted";

/** Waits until a reader is in the middle of a message, a while at most: all may be written before it is there. */
async function inMessage(heard: readonly FollowedEvent[]): Promise<void> {
  const giveUpAt = performance.now() + 2_000;
  while (piecesAtEnd(heard) === "" && performance.now() < giveUpAt) await setTimeout(1);
}

/** The cells. */
export const readerCells: Readonly<Record<string, Cell>> = {
  K16: {
    what: "a reader is killed, its worker is killed, and one is far behind",
    isIn: everywhere,
    async play(fleet, { afterMs, isShort }) {
      const { wrong, check } = checks();
      // One word is some 12 bytes: with the long form a reader is a megabyte behind.
      const texts = isShort ? Array(12).fill("long 150") : Array(60).fill("long 2000 20");
      const chats = await fleet.ask(1, texts);
      const victim = await fleet.begin();
      const first: FollowedEvent[] = [];
      let reader = fleet.read("s0", 0, (event) => first.push(event));
      while (first.length === 0) await setTimeout(10);
      await setTimeout(afterMs);
      // The bus of the engine in process ends with its process.
      const hasDeltas = fleet.setting.engine !== "in-process";
      if (hasDeltas) await inMessage(first);
      reader.kill("SIGKILL");
      await new Promise((resolve) => reader.once("exit", resolve));
      await fleet.begin();
      // What it had not told yet is lost with it, as what a reader had not shown.
      const second: FollowedEvent[] = [];
      reader = fleet.read("s0", first.findLast(isWhole)?.seq ?? 0, (event) => second.push(event));
      if (hasDeltas) await inMessage(second);
      victim.child.kill("SIGKILL");
      await fleet.idle(chats, texts.length);
      const all: FollowedEvent[] = [];
      for await (const event of fleet.app.get("s0").follow({ untilIdle: true, deltas: false }))
        all.push(event);
      const giveUpAt = performance.now() + 30_000;
      while (second.findLast(isWhole)?.seq !== all.at(-1)?.seq && performance.now() < giveUpAt)
        await setTimeout(10);
      reader.kill("SIGKILL");
      const seen = [...first, ...second].filter(isWhole).map(({ seq }) => seq);
      const expected = all.map(({ seq }) => seq);
      check(seen.join(" ") === expected.join(" "), `${seen.length} events were read of ${expected.length}`);
      for (const heard of [first, second])
        check(holesIn(heard) === 0, `${holesIn(heard)} messages had a hole`);
      const deltas = first.length + second.length - seen.length;
      const retracted = second.filter(({ type }) => type === "deltas.retracted").length;
      return {
        ...(await judge(fleet, chats, texts.length)),
        wrong,
        note: `${deltas} deltas, ${retracted} times retracted`,
      };
    },
  },
};

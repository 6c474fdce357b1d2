// Readers that are killed, and workers under them: each whole event once and in order, and no text with a hole in it.

import { setTimeout } from "node:timers/promises";

import type { FollowedEvent } from "loophost/sessions";

import { judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere } from "./cell.ts";

/** The pieces since the last whole event, and the message that follows them. */
function holesIn(events: readonly FollowedEvent[]): number {
  let pieces = "";
  let holes = 0;
  for (const event of events) {
    if (event.type === "text.delta") pieces += event.text;
    else {
      if (event.type === "message" && !event.text.startsWith(pieces)) holes += 1;
      pieces = "";
    }
  }
  return holes;
}

/** The cells. */
export const readerCells: Readonly<Record<string, Cell>> = {
  K16: {
    what: "a reader is killed, its worker is killed, and one is far behind",
    isIn: everywhere,
    async play(fleet, { afterMs, isShort }) {
      const { wrong, check } = checks();
      // One word is some 8 bytes: with the long form a reader is a megabyte behind.
      const texts = isShort ? ["long 200", "long 200", "long 200"] : Array(60).fill("long 2000 20");
      const chats = await fleet.ask(1, texts);
      const victim = await fleet.begin();
      const heard: FollowedEvent[] = [];
      let reader = fleet.read("s0", 0, (event) => heard.push(event));
      while (heard.length === 0) await setTimeout(10);
      await setTimeout(afterMs);
      reader.kill("SIGKILL");
      await new Promise((resolve) => reader.once("exit", resolve));
      // What it had not told yet is lost with it, as what a reader had not shown.
      const wholes = () => heard.filter(({ type }) => !type.endsWith(".delta"));
      reader = fleet.read("s0", wholes().at(-1)?.seq ?? 0, (event) => heard.push(event));
      await fleet.begin();
      victim.child.kill("SIGKILL");
      await fleet.idle(chats, texts.length);
      const all: FollowedEvent[] = [];
      for await (const event of fleet.app.get("s0").follow({ untilIdle: true, deltas: false }))
        all.push(event);
      const giveUpAt = performance.now() + 30_000;
      while (wholes().at(-1)?.seq !== all.at(-1)?.seq && performance.now() < giveUpAt) await setTimeout(10);
      reader.kill("SIGKILL");
      const seen = wholes().map(({ seq }) => seq);
      const expected = all.map(({ seq }) => seq);
      check(seen.join(" ") === expected.join(" "), `${seen.length} events were read of ${expected.length}`);
      check(holesIn(heard) === 0, `${holesIn(heard)} messages had a hole`);
      const deltas = heard.length - seen.length;
      return { ...(await judge(fleet, chats, texts.length)), wrong, note: `${deltas} deltas` };
    },
  },
};

// Workers of two releases at once.

import { judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere, STEPS, underWay } from "./cell.ts";

/** The cells. */
export const releaseCells: Readonly<Record<string, Cell>> = {
  K13: {
    what: "workers of two releases at once, and back again",
    isIn: everywhere,
    async play(fleet, { afterMs }) {
      const { wrong, check } = checks();
      const texts = [...STEPS, "call refund {}"];
      await fleet.begin({ release: "old" });
      const newer = await fleet.begin({ release: "new" });
      const chats = await fleet.ask(10, texts);
      await underWay(fleet, afterMs, newer.pid);
      newer.child.kill("SIGTERM");
      await newer.exited;
      await fleet.begin({ release: "new" });
      const calls = await fleet.waiting(chats);
      await Promise.all(chats.map((chat, index) => chat.approve(calls[index] ?? "")));
      await fleet.idle(chats, texts.length);
      const outcome = await judge(fleet, chats, texts.length);
      check(outcome.unknown + outcome.rerun === 0, "calls were under way when nobody died");
      return { ...outcome, wrong };
    },
  },
};

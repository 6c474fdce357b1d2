// Workers of two releases at once.

import { begunIn, judge } from "../judge.ts";
import type { Cell } from "./cell.ts";
import { checks, everywhere, STEPS, underWay } from "./cell.ts";

/** The cells. */
export const releaseCells: Readonly<Record<string, Cell>> = {
  "K13 entries": {
    what: "entries of types that the older of two workers does not know: those it may skip, and those it must not",
    isIn: everywhere,
    isOutage: true,
    async play(fleet, { run, afterMs }) {
      const { wrong, check } = checks();
      const needs = run % 2 === 0 ? undefined : 99;
      const newer = await fleet.begin({ newer: { needs } });
      const chats = await fleet.ask(6, ["call refund {}", ...STEPS]);
      const calls = await fleet.waiting(chats);
      newer.child.kill("SIGTERM");
      await newer.exited;
      const older = await fleet.begin();
      await Promise.all(chats.map((chat, index) => chat.approve(calls[index] ?? "")));
      // Sessions of its own are run meanwhile.
      const own = await fleet.ask(4, STEPS, "own");
      await fleet.idle(own, STEPS.length);
      if (needs === undefined) await underWay(fleet, afterMs, older.pid);
      else
        check(
          begunIn(fleet).every(({ sessionId }) => sessionId.startsWith("own")),
          "the older one ran them",
        );
      const at = Date.now();
      // Restate calls the older one over the connection it has, until that one says goodbye.
      if (needs === undefined || fleet.setting.engine === "restate") older.child.kill("SIGTERM");
      await fleet.begin({ newer: { needs } });
      await fleet.idle(chats, STEPS.length + 1);
      const outcome = await judge(fleet, chats, STEPS.length + 1);
      check(outcome.unknown + outcome.rerun === 0, "calls were under way when nobody died");
      const kind = needs === undefined ? "skipped" : "left alone";
      return { ...outcome, wrong, note: `${kind}; all done ${Date.now() - at} ms after the newer one came` };
    },
  },
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

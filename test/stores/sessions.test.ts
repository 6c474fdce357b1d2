// Looking into a store: what is no store, and no session id, is said to be none. What is found is in test/durability.

import type { Store } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { deleteSession, findSession, listSessions, readLog } from "loophost/stores/sessions";
import { describe, expect, it } from "vitest";

const looks: readonly [string, (store: Store, id: string) => Promise<unknown>][] = [
  ["listSessions()", (store) => listSessions(store)],
  ["findSession()", findSession],
  ["deleteSession()", deleteSession],
  ["readLog()", (store, id) => readLog(store, id).next()],
];

describe.each(looks)("%s", (name, look) => {
  it.each([undefined, {}, "sessions.db"])("needs a store, which %o is not", async (store) => {
    await expect(look(store as never, "s")).rejects.toMatchObject({
      code: "invalid_options",
      message: `${name} needs a store, such as sqliteStore("sessions.db") or memoryStore().`,
    });
  });
});

it.each(looks.slice(1))("%s needs the id of a session", async (name, look) => {
  for (const id of [undefined, "", 5])
    await expect(look(memoryStore(), id as never)).rejects.toMatchObject({
      code: "invalid_options",
      message: `${name} needs the id of a session; got ${String(id)}.`,
    });
});

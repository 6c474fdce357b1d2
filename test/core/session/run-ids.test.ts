// Ids of runs, which messages go by, too: one that is given twice makes a message pass for another that was sent already.

import type { Session } from "loophost";
import { defineAgent, openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "a", instructions: "Help." });
const provider = local({ model: () => "ok" });

it.each<[string, (session: Session) => Promise<unknown>]>([
  ["a resume that finds nothing open", (session) => session.resume().result()],
  [
    "a message whose signal was aborted before",
    (session) => session.send("no", { signal: AbortSignal.abort() }).result().catch(String),
  ],
])("are given once, by whichever process: %s takes none", async (_, act) => {
  const store = memoryStore();
  const taken: string[] = [];
  let sessionId: string | undefined;
  for (const text of ["one", "two", "three"]) {
    await using session = await openSession(agent, { provider, store, sessionId });
    sessionId = session.id;
    await act(session);
    const run = session.send(text);
    await run.result();
    taken.push(run.id);
  }
  expect(taken).toEqual(["run_1", "run_2", "run_3"]);
});

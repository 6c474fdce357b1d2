/** What some servers offer beyond the service: reported, never wrong. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Mismatch } from "../check.ts";
import { EventFeed } from "../event-feed.ts";
import { isSame, must, ok, textAt } from "../expect.ts";
import { HELLO } from "../talk.ts";

/** The checks. */
export const extensionChecks: readonly ConformanceCheck[] = checksOf("extensions", 1, [
  {
    name: "idempotency-key",
    title: "does a POST with an Idempotency-Key once, and gives the same reply again",
    why: "A lost reply can be asked for again without doing anything twice.",
    async run(client) {
      const headers = { "idempotency-key": `loophost-${crypto.randomUUID()}` };
      const body = { agent: await client.agent(), environment_id: await client.environment() };
      const ids: string[] = [];
      for (let n = 0; n < 2; n += 1) {
        const made = ok(await client.wire.post("/v1/sessions", body, { headers }));
        ids.push(textAt(client.remember(made, "/v1/sessions"), "id"));
      }
      const evidence = {
        sent: "the same POST /v1/sessions twice",
        came: `the sessions ${ids.join(" and ")}`,
      };
      must(ids[0] === ids[1], evidence, "one session");
    },
  },
  {
    name: "last-event-id",
    needs: "model",
    title: "gives what came after Last-Event-ID to a stream that comes back",
    why: "A client that lost its connection goes on where it was, without reading the list.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      const named = talk.feed.frames.map(({ lines, event }) => ({
        id: lines.find((line) => line.startsWith("id:"))?.replace(/^id: ?/, ""),
        event,
      }));
      const first = named.find(({ id, event }) => id !== undefined && event !== undefined);
      if (first?.id === undefined) throw new Mismatch(talk.feed.evidence, "frames with an id: line");
      const missed = talk.feed.events.slice(
        talk.feed.events.findIndex(({ id }) => id === first.event?.id) + 1,
      );
      const headers = { "last-event-id": first.id };
      const feed = await EventFeed.open(client.wire, `${talk.path}/events/stream`, { headers });
      await talk.turn(HELLO);
      await feed.untilType("session.status_idle");
      must(isSame(feed.events.slice(0, missed.length), missed), feed.evidence, "first what was missed");
    },
  },
]);

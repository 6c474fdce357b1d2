/** Previews: text while it is being written, for those who ask. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import type { EventFeed, WireEvent } from "../event-feed.ts";
import { must, refused, textIn } from "../expect.ts";
import { HELLO, textOf } from "../talk.ts";
import type { TestClient } from "../test-client.ts";

const ASK = "?event_deltas%5B%5D=agent.message";

/** The checks. */
export const deltaChecks: readonly ConformanceCheck[] = checksOf("deltas", 2, [
  {
    name: "opt-in",
    needs: "model",
    title: "sends previews to streams that asked for them only",
    why: "Older clients do not know these events.",
    async run(client) {
      const talk = await client.talk();
      await previewed(client, talk.id, () => talk.turn(HELLO));
      const odd = talk.feed.events.find(isPreview);
      must(odd === undefined, talk.feed.evidence, "neither event_start nor event_delta");
    },
  },
  {
    name: "prefix",
    needs: "model",
    title: "previews a beginning of the message that follows, under its id, the message being the last",
    why: "Clients show the pieces, and replace them by the whole.",
    async run(client) {
      const talk = await client.talk();
      const feed = await previewed(client, talk.id, () => talk.turn(HELLO));
      if (!feed.events.some(isPreview)) throw new Inapplicable("no preview came", true);
      const texts = new Map<string, string>();
      for (const event of feed.events) {
        const evidence = feed.showing(event);
        if (event.type === "event_start") {
          const id = textIn(event, "event", "id");
          must(!texts.has(id), evidence, `one event_start for ${id}, before everything else of it`);
          texts.set(id, "");
        } else if (event.type === "event_delta") {
          const id = textIn(event, "event_id");
          must(texts.has(id), evidence, `an event_start for ${id} before, and its message after`);
          texts.set(id, texts.get(id) + textIn(event, "delta", "content", "text"));
        } else if (texts.has(event.id)) {
          const shown = texts.get(event.id) ?? "";
          texts.delete(event.id);
          must(textOf(event).startsWith(shown), evidence, `a text that begins with ${JSON.stringify(shown)}`);
        }
      }
      must(
        texts.size === 0,
        feed.evidence,
        `a message for each preview, also for ${[...texts.keys()].join()}`,
      );
    },
  },
  {
    name: "not-listed",
    needs: "model",
    title: "keeps previews out of the list",
    why: "The list is what happened, not how it was written.",
    async run(client) {
      const talk = await client.talk();
      await previewed(client, talk.id, () => talk.turn(HELLO));
      const odd = (await talk.list()).find(isPreview);
      must(
        odd === undefined,
        { sent: `GET ${talk.path}/events`, came: JSON.stringify(odd) },
        "events that are kept, and no preview",
      );
    },
  },
  {
    name: "unknown",
    title: "refuses event_deltas[] other than agent.message and agent.thinking with 400",
    why: "A client that asked for what never comes would wait for it.",
    async run(client) {
      const { path } = await client.talk();
      refused(await client.wire.get(`${path}/events/stream?event_deltas%5B%5D=agent.tool_use`), [400]);
    },
  },
]);

/** A stream with previews, open from before a turn until after it. */
async function previewed(client: TestClient, id: string, turn: () => Promise<unknown>): Promise<EventFeed> {
  const feed = await client.follow(id, ASK);
  await turn();
  await feed.untilType("session.status_idle");
  return feed;
}

function isPreview({ type }: WireEvent): boolean {
  return type === "event_start" || type === "event_delta";
}

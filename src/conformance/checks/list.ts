/** The list of a session's events: what clients rebuild a conversation from. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { eventsOf } from "../event-feed.ts";
import { at, isSame, must, ok, refused } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { HELLO, message } from "../talk.ts";
import type { TestClient } from "../test-client.ts";

/** The checks. */
export const listChecks: readonly ConformanceCheck[] = checksOf("lists", 1, [
  {
    name: "empty",
    title: "gives an empty page as an empty data and a next_page of null",
    why: "Clients that page read both.",
    async run(client) {
      const { path } = await client.talk();
      const page = ok(await client.wire.get(`${path}/events?types%5B%5D=user.define_outcome`));
      must(isSame(at(page.body, "data"), []), page, "an empty list at data");
      must(at(page.body, "next_page") === null, page, "next_page null");
    },
  },
  {
    name: "events",
    needs: "model",
    title: "lists events as they are, each with id, type and processed_at",
    why: "Clients tell by the id what they have seen.",
    async run(client) {
      const talk = await spoken(client);
      const page = ok(await client.wire.get(`${talk.path}/events`));
      const events = eventsOf(page);
      must(
        events.every((event) => event.id !== "" && event["processed_at"] !== undefined),
        page,
        "an id and a processed_at in every event",
      );
      must(new Set(events.map(({ id }) => id)).size === events.length, page, "every id once");
    },
  },
  {
    name: "pages",
    needs: "model",
    title: "gives the same events in pages of any size, each once, with a next_page that moves",
    why: "A cursor that stands still is an endless loop, one that skips loses a call.",
    async run(client) {
      const talk = await spoken(client);
      const whole = await talk.list();
      for (const limit of [1, 3]) {
        const { events, pages } = await talk.pages(`limit=${limit}`);
        const [first, last] = [pages[0], pages.at(-1)];
        if (first === undefined || last === undefined) return;
        must(eventsOf(first).length === limit, first, `${limit} events, as limit=${limit} says`);
        must(at(last.body, "next_page") === null, last, "next_page null on the last page");
        must(
          isSame(idsOf(events), idsOf(whole)),
          { sent: first.sent, came: `pages that hold ${typesOf(events)}` },
          `pages that hold ${typesOf(whole)}`,
        );
      }
    },
  },
  {
    name: "order",
    needs: "model",
    title: "lists events oldest first, and with order=desc the other way round",
    why: "Clients look for the latest status from the end.",
    async run(client) {
      const talk = await spoken(client);
      const oldest = await talk.list("order=asc");
      const newest = await talk.list("order=desc");
      const sent = `GET ${talk.path}/events?order=desc`;
      must(isSame(idsOf(await talk.list()), idsOf(oldest)), talk.feed.evidence, "order=asc by default");
      must(
        isSame(idsOf(newest), idsOf(oldest).toReversed()),
        { sent, came: typesOf(newest) },
        `${typesOf(oldest)}, the other way round`,
      );
    },
  },
  {
    name: "types",
    needs: "model",
    title: "filters events by types[], in its bracket form, several at once",
    why: "The official SDKs write lists in a query so; without the filter a client reads everything.",
    async run(client) {
      const talk = await spoken(client);
      const wanted = ["user.message", "session.status_idle"];
      const whole = await talk.list();
      const query = wanted.map((type) => `types%5B%5D=${type}`).join("&");
      const page = ok(await client.wire.get(`${talk.path}/events?${query}`));
      const expected = whole.filter(({ type }) => wanted.includes(type));
      must(isSame(idsOf(eventsOf(page)), idsOf(expected)), page, `only ${typesOf(expected)}`);
    },
  },
  {
    name: "created-at",
    tier: 2,
    needs: "model",
    title: "filters events by created_at[gte] and [lt]",
    why: "Clients catch up from where they were instead of from the beginning.",
    async run(client) {
      const talk = await spoken(client);
      const future = encodeURIComponent("2999-01-01T00:00:00Z");
      const late = await talk.pages(`created_at%5Bgte%5D=${future}`);
      const sent = `GET ${talk.path}/events?created_at[gte]=2999-01-01T00:00:00Z`;
      must(late.events.length === 0, { sent, came: typesOf(late.events) }, "no event from the year 2999");
      const early = await talk.list(`created_at%5Blt%5D=${future}`);
      must(
        isSame(idsOf(early), idsOf(await talk.list())),
        { sent: sent.replace("gte", "lt"), came: typesOf(early) },
        "every event, since all are from before 2999",
      );
    },
  },
  {
    name: "bad-cursor",
    tier: 2,
    title: "refuses a page cursor that is not its own",
    why: "A client that starts again from the beginning without knowing does its work twice.",
    async run(client) {
      const { path } = await client.talk();
      refused(await client.wire.get(`${path}/events?page=no-such-cursor`));
    },
  },
]);

/** A session with two turns behind it. */
async function spoken(client: TestClient): Promise<Talk> {
  const talk = await client.talk();
  await talk.turn(HELLO);
  await talk.turn(message("Answer with the single word: again"));
  await talk.list();
  return talk;
}

function idsOf(events: readonly { id: string }[]): readonly string[] {
  return events.map(({ id }) => id);
}

function typesOf(events: readonly { type: string }[]): string {
  return events.map(({ type }) => type).join(", ") || "nothing";
}

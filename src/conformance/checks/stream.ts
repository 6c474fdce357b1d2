/** The event stream: its framing, and what it tells to whom. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import type { Frame, WireEvent } from "../event-feed.ts";
import { EventFeed } from "../event-feed.ts";
import { isSame, must, refused } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { HELLO, message } from "../talk.ts";
import type { TestClient } from "../test-client.ts";
import { discard } from "../wire.ts";

const FLUSH_WITHIN_MS = 5_000;
const ACCENTS = "Grüße, 日本語, emoji 🙂 and a line\nbreak";

/** The checks. */
export const streamChecks: readonly ConformanceCheck[] = checksOf("stream", 1, [
  {
    name: "opens",
    title: "opens at once though nothing happens, as text/event-stream whatever Accept says",
    why: "Clients wait for the headers before they send; the official SDKs ask for application/json.",
    async run(client) {
      const { path } = await client.talk();
      const { response, sent } = await client.wire
        .within(FLUSH_WITHIN_MS)
        .open("GET", `${path}/events/stream`);
      const type = response.headers.get("content-type") ?? "none";
      discard(response);
      must(
        response.status === 200 && type.startsWith("text/event-stream"),
        { sent, came: `${response.status} with content-type ${type}` },
        "status 200 with content-type text/event-stream",
      );
    },
  },
  {
    name: "event-lines",
    needs: "model",
    title: "names every frame by an event: line",
    why: "The official SDKs drop frames without one, in silence.",
    run: (client) =>
      everyFrame(client, "an event: line", ({ lines }) => lines.some((line) => /^event: ?./.test(line))),
  },
  {
    name: "data-lines",
    needs: "model",
    title: "puts every event on one data: line, as JSON with a type; no [DONE]",
    why: "Hand-written clients read line by line, and parse each.",
    run: (client) =>
      everyFrame(
        client,
        "one data: line of JSON with a type",
        ({ lines, event }) =>
          event !== undefined && lines.filter((line) => line.startsWith("data:")).length === 1,
      ),
  },
  {
    name: "names-fit",
    needs: "model",
    title: 'names frames by the type of their event, or all of them "message"',
    why: "Clients filter by name before they parse.",
    run: (client) =>
      everyFrame(
        client,
        "event: with the type of the event, or message",
        // A frame that holds no event is the matter of data-lines.
        ({ lines, event }) =>
          event === undefined ||
          lines.some((line) => [event.type, "message"].includes(/^event: ?(.+)$/.exec(line)?.[1] ?? "")),
      ),
  },
  {
    name: "stays-open",
    needs: "model",
    title: "goes on after an idle, on the same stream",
    why: "A client that keeps its stream misses the next turn otherwise.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      await talk.turn(HELLO);
    },
  },
  {
    name: "no-replay",
    needs: "model",
    title: "tells a new stream nothing of what happened before it opened",
    why: "Clients attach first and then read the list; replayed calls look like new ones.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      const old = new Set(talk.feed.events.map(({ id }) => id));
      const late = await client.follow(talk.id);
      await talk.turn(HELLO);
      await late.untilType("session.status_idle");
      const replayed = late.events.filter(({ id }) => old.has(id)).map(({ type }) => type);
      must(replayed.length === 0, late.evidence, `none of what came before: ${replayed.join(", ")}`);
    },
  },
  {
    name: "same-as-list",
    needs: "model",
    title: "tells the events that the list holds, under the same ids and in the same order",
    why: "Clients put stream and list together by id; what is in one only is lost or done twice.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      const listed = await talk.list();
      must(
        isSame(idsOf(talk.feed.events), idsOf(listed)),
        talk.feed.evidence,
        `the events of the list: ${listed.map(({ type }) => type).join(", ")}, with their ids`,
      );
    },
  },
  {
    name: "two-readers",
    needs: "model",
    title: "tells two streams of a session the same",
    why: "A worker and a user interface follow the same session.",
    async run(client) {
      const talk = await client.talk();
      const second = await client.follow(talk.id);
      await talk.turn(HELLO);
      await second.untilType("session.status_idle");
      must(
        isSame(second.events, talk.feed.events),
        second.evidence,
        `the same as the first stream: ${talk.feed.evidence.came}`,
      );
    },
  },
  {
    name: "closed-reader",
    needs: "model",
    title: "goes on for others when a stream is closed",
    why: "A browser tab that is closed must not end the work.",
    async run(client) {
      const talk = await client.talk();
      const second = await client.follow(talk.id);
      await second[Symbol.asyncDispose]();
      await talk.turn(HELLO);
    },
  },
  {
    name: "utf8",
    needs: "model",
    title: "keeps every character of a text, on the stream and in the list",
    why: "Names, scripts and line breaks get lost where bytes are cut or re-coded.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(message(ACCENTS));
      for (const [where, events] of [
        ["the stream", talk.feed.events],
        ["the list", await talk.list()],
      ] as const) {
        const echo = events.find(({ type }) => type === "user.message");
        must(
          isSame(echo?.["content"], [{ type: "text", text: ACCENTS }]),
          { sent: JSON.stringify(ACCENTS), came: `on ${where}: ${JSON.stringify(echo?.["content"])}` },
          "the same text",
        );
      }
    },
  },
  {
    name: "unknown-session",
    title: "answers 404 to a stream of an unknown session",
    why: "A stream that opens and stays silent looks like a session at work.",
    run: async ({ wire }) => void refused(await wire.get("/v1/sessions/sesn_unknown/events/stream"), [404]),
  },
  {
    name: "signs-of-life",
    needs: "silence",
    title: "sends a sign of life on a silent stream, named ping or as a comment, every 15 seconds or so",
    why: "Proxies cut silent connections, and clients cannot tell a dead one from a quiet one.",
    async run(client) {
      const { path } = await client.talk();
      const feed = await EventFeed.open(client.wire.within(client.silenceMs), `${path}/events/stream`);
      await feed.wait("a ping event or a comment, though nothing happens", () => feed.hasBytes);
      const bare = feed.frames.find(
        ({ lines }) => lines.some((line) => line.startsWith("data")) && !isNamed(lines),
      );
      must(bare === undefined, feed.evidence, "an event: line on the ping, too");
    },
  },
]);

const isNamed = (lines: readonly string[]): boolean => lines.some((line) => line.startsWith("event:"));

/** Follows two turns and rejects a frame that does not hold; comments are no frames. */
async function everyFrame(
  client: TestClient,
  expected: string,
  holds: (frame: Frame) => boolean,
): Promise<void> {
  const talk = await client.talk();
  await talk.turn(HELLO);
  await talk.turn(HELLO);
  const odd = framesWithData(talk).find((frame) => !holds(frame));
  const came = odd?.lines.join("\n").slice(0, 300) ?? "";
  must(odd === undefined, { sent: talk.feed.evidence.sent, came }, expected);
}

function framesWithData({ feed }: Talk): readonly Frame[] {
  return feed.frames.filter(({ lines }) => lines.some((line) => line.startsWith("data")));
}

/** The ids in their order; a message that waited comes twice, and counts where it was taken. */
function idsOf(events: readonly WireEvent[]): readonly string[] {
  const ids = new Set<string>();
  for (const { id } of events.toReversed()) if (id !== "") ids.add(id);
  return [...ids].toReversed();
}

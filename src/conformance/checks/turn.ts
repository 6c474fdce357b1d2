/** The order of a turn: what clients take for its beginning, its cost and its end. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import type { EventFeed, WireEvent } from "../event-feed.ts";
import { at, isTime, must, ok } from "../expect.ts";
import { HELLO, mustFind, reasonOf } from "../talk.ts";
import type { TestClient } from "../test-client.ts";

/** The checks. */
export const turnChecks: readonly ConformanceCheck[] = checksOf("turns", 1, [
  {
    name: "running-first",
    needs: "model",
    title: "says session.status_running before anything the agent does",
    why: "Clients tell a new turn from the rest of the old one by it.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const running = mustFind(turn, "session.status_running", feed);
      const before = turn.slice(0, running).filter(({ type }) => /^(agent|span)\./.test(type));
      must(before.length === 0, feed.evidence, "session.status_running before what the agent does");
    },
  },
  {
    name: "usage-before-idle",
    needs: "model",
    title: "says session.usage directly before every session.status_idle, with what was used so far",
    why: "A client that stops at the idle has the whole cost.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const usage = turn.at(-2);
      must(usage?.type === "session.usage", feed.evidence, "session.usage directly before the idle");
      must(
        typeof at(usage, "usage", "output_tokens") === "number",
        feed.showing(usage),
        "usage.output_tokens as a number",
      );
    },
  },
  {
    name: "usage-adds-up",
    needs: "model",
    title: "counts usage over the whole session",
    why: "Clients take the difference for the cost of a turn.",
    async run(client) {
      const talk = await client.talk();
      const spent: number[] = [];
      for (let n = 0; n < 3; n += 1) {
        const turn = await talk.turn(HELLO);
        spent.push(Number(at(turn.at(-2), "usage", "output_tokens")));
      }
      const [first = 0, second = 0, third = 0] = spent;
      const came = `output_tokens ${spent.join(", then ")}`;
      must(first <= second && second <= third, { ...talk.feed.evidence, came }, "numbers that only grow");
      if (third === 0) throw new Inapplicable("the model's usage is not known", true);
      must(third > first, { ...talk.feed.evidence, came }, "numbers that grow with the turns");
    },
  },
  {
    name: "idle-last",
    needs: "model",
    title: "says nothing after an idle until something new is sent",
    why: "Clients stop listening at the idle.",
    async run(client) {
      const talk = await client.talk();
      const first = await talk.turn(HELLO);
      await talk.turn(HELLO);
      const next = talk.feed.events[first.length];
      must(
        next !== undefined && /^(user\.message|session\.(thread_)?status_running)$/.test(next.type),
        talk.feed.evidence,
        "the next message or its session.status_running right after the first idle",
      );
    },
  },
  {
    name: "idle",
    needs: "model",
    title: "ends with an idle whose stop_reason is an object, and whose stop_details is there, null or not",
    why: "Clients read stop_reason.type to tell done from blocked.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const idle = turn.at(-1);
      const evidence = feed.showing(idle);
      must(reasonOf(idle) === "end_turn", evidence, 'stop_reason {"type":"end_turn"}');
      must(idle?.["stop_details"] !== undefined, evidence, "stop_details, null where there are none");
    },
  },
  {
    name: "spans",
    needs: "model",
    title: "frames each request to the model by span.model_request_start and _end, with its usage",
    why: "Traces and cost reports are built from them.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const start = turn[mustFind(turn, "span.model_request_start", feed)];
      const end = turn[mustFind(turn, "span.model_request_end", feed)];
      const evidence = feed.showing(end);
      must(end?.["model_request_start_id"] === start?.id, evidence, `model_request_start_id ${start?.id}`);
      must(typeof at(end, "model_usage", "output_tokens") === "number", evidence, "model_usage with numbers");
      const order = ["span.model_request_start", "agent.message", "span.model_request_end"];
      const told = turn.map(({ type }) => type).filter((type) => order.includes(type));
      must(
        !told.includes("agent.message") || told.join() === order.join(),
        feed.evidence,
        "agent.message between the two",
      );
    },
  },
  {
    name: "message",
    needs: "model",
    title: "tells what the model said as agent.message, a list of text blocks",
    why: "It is what people read.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const said = turn.find(({ type }) => type === "agent.message");
      if (said === undefined) throw new Inapplicable("the model did not say anything", true);
      must(
        typeof at(said, "content", 0, "text") === "string" && at(said, "content", 0, "type") === "text",
        feed.showing(said),
        'content [{"type":"text","text":"…"}]',
      );
    },
  },
  {
    name: "processed",
    needs: "model",
    title:
      "shows a message with the time it was taken, on the stream before the turn is over, and in the list",
    why: "A processed_at of null means that it still waits, and clients that follow the stream wait with it.",
    async run(client) {
      const talk = await client.talk();
      const turn = await talk.turn(HELLO);
      const told = turn.filter(({ type }) => type === "user.message");
      must(
        told.some(({ processed_at }) => isTime(processed_at)),
        talk.feed.showing(told),
        "a user.message with processed_at as a time, on the stream",
      );
      const [taken] = await talk.list("types%5B%5D=user.message");
      const evidence = { sent: `GET ${talk.path}/events`, came: JSON.stringify(taken) };
      must(isTime(taken?.["processed_at"]), evidence, "processed_at as a time");
    },
  },
  {
    name: "status",
    needs: "model",
    title: "says idle of a session once its idle was told",
    why: "Programs that poll read the status.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      // It may lag by a moment, and no more.
      await client.wire.poll(
        () => client.wire.get(talk.path),
        (reply) => at(ok(reply).body, "status") === "idle",
        'status "idle"',
        2_000,
      );
    },
  },
  {
    name: "thread-status",
    tier: 2,
    needs: "model",
    title: "says of the session's one thread, too, when it runs and when it rests",
    why: "Clients that show several agents follow threads, and treat one like many.",
    async run(client) {
      const { turn, feed } = await helloTurn(client);
      const running = turn[mustFind(turn, "session.thread_status_running", feed)];
      const idle = turn[mustFind(turn, "session.thread_status_idle", feed)];
      must(
        running?.["session_thread_id"] !== undefined &&
          running["session_thread_id"] === idle?.["session_thread_id"],
        feed.showing([running, idle]),
        "the same session_thread_id in both",
      );
    },
  },
  {
    name: "queue",
    needs: "model",
    title: "takes messages that were sent together in their order, each once",
    why: "Nobody's message is lost because another came first.",
    async run(client) {
      const talk = await client.talk();
      const second = { type: "user.message", content: [{ type: "text", text: "Answer with: second" }] };
      ok(await talk.post(HELLO, second));
      for (let from = 0, taken: readonly WireEvent[] = []; taken.length < 2;) {
        from += (await talk.untilIdle(from)).length;
        const listed = await talk.list("types%5B%5D=user.message");
        must(listed.length === 2, talk.feed.evidence, "two messages in the list");
        must(
          at(listed[1], "content", 0, "text") === "Answer with: second",
          talk.feed.evidence,
          "their order",
        );
        taken = listed.filter((event) => isTime(event["processed_at"]));
      }
    },
  },
]);

async function helloTurn(client: TestClient): Promise<{ turn: readonly WireEvent[]; feed: EventFeed }> {
  const talk = await client.talk();
  return { turn: await talk.turn(HELLO), feed: talk.feed };
}

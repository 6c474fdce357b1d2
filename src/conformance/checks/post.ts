/** What may be posted to a session, and when: all or nothing, and nothing twice. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { eventsOf } from "../event-feed.ts";
import { at, must, ok, refused } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { awaitedBy, HELLO, message, result } from "../talk.ts";

/** The checks. */
export const postChecks: readonly ConformanceCheck[] = checksOf("posts", 1, [
  {
    name: "echo",
    needs: "model",
    title: "gives back the stored events of a post, in its order, with the ids they are listed under",
    why: "A client that lost a reply finds out by these ids whether its message is there.",
    async run(client) {
      const talk = await client.talk();
      const reply = ok(await talk.post(HELLO, message("Answer with the single word: second")));
      const echoes = eventsOf(reply);
      must(echoes.length === 2, reply, "2 events, as many as were sent");
      must(
        echoes.every(({ type, id }) => type === "user.message" && id !== ""),
        reply,
        "a user.message with an id, for each",
      );
      must(
        at(echoes[1], "content", 0, "text") === "Answer with the single word: second",
        reply,
        "the order sent",
      );
      const listed = (await talk.list("types%5B%5D=user.message")).map(({ id }) => id);
      must(
        echoes.every(({ id }) => listed.includes(id)),
        reply,
        `the ids they are listed under: ${listed.join(", ")}`,
      );
    },
  },
  {
    name: "all-or-none",
    needs: "model",
    title: "takes all events of a post or none",
    why: "After a refusal the client sends the whole post again; what was taken before comes twice.",
    async run(client) {
      const talk = await client.talk();
      refused(await talk.post(message("Never to be seen"), { type: "user.unknown" }));
      await onlyHello(talk);
    },
  },
  {
    name: "empty",
    title: "refuses a post without events",
    why: "It is a mistake of the program, and should look like one.",
    async run(client) {
      const talk = await client.talk();
      refused(await talk.post());
      refused(await client.wire.post(`${talk.path}/events`, {}));
    },
  },
  {
    name: "unknown-type",
    title: "refuses events of types that clients do not send",
    why: "A client must not be able to speak for the agent.",
    async run(client) {
      const talk = await client.talk();
      refused(await talk.post({ type: "user.unknown" }));
      refused(await talk.post({ type: "agent.message", content: [{ type: "text", text: "I did it." }] }));
      must(
        (await talk.list("types%5B%5D=agent.message")).length === 0,
        talk.feed.evidence,
        "no agent.message",
      );
    },
  },
  {
    name: "blocked-message",
    needs: "model",
    title: "refuses a message with 400 while the session waits for results, and goes on waiting",
    why: "A conversation with an open call cannot go on; the client has to answer or interrupt.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      refused(await talk.post(message("Never to be seen")), [400]);
      await talk.turn(result(call, "code-17"));
      const messages = await talk.list("types%5B%5D=user.message");
      must(messages.length === 1, talk.feed.evidence, "one user.message, the one that was taken");
    },
  },
  {
    name: "unknown-result",
    needs: "model",
    title: "refuses the result of a call it never made, finally",
    why: "A result taken for nothing leaves the real call open for ever.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      refused(await talk.post(result("sevt_unknown", "code-17")));
      await talk.turn(result(call, "code-17"));
    },
  },
  {
    name: "duplicate-result",
    needs: "model",
    title: "refuses a second result of a call, finally, and keeps the first",
    why: "Clients that lost a reply post again and take a refusal for success; taken twice, it changes the answer.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha", "beta");
      ok(await talk.post(result(call, "code-17")));
      refused(await talk.post(result(call, "code-18")));
      await mustHaveResults(talk, 1);
    },
  },
  {
    name: "duplicate-in-post",
    needs: "model",
    title: "refuses a post with two results of one call, and takes neither",
    why: "All or none holds for what events do to each other, too.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      refused(await talk.post(result(call, "code-17"), result(call, "code-18")));
      await talk.turn(result(call, "code-17"));
      await mustHaveResults(talk, 1);
    },
  },
  {
    name: "late-result",
    needs: "model",
    title: "refuses a result when no call is open any more, finally",
    why: "It tells a second worker that somebody else was faster.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      await talk.turn(result(call, "code-17"));
      refused(await talk.post(result(call, "code-17")));
      await mustHaveResults(talk, 1);
    },
  },
  {
    name: "wrong-kind",
    needs: "model",
    title: "refuses a user.tool_result for a custom tool's call, which stays open",
    why: "The two kinds of calls are answered by different events; a mix-up must show.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const content = [{ type: "text", text: "code-17" }];
      refused(await talk.post({ type: "user.tool_result", tool_use_id: call?.id, content }));
      await talk.turn(result(call, "code-17"));
    },
  },
  {
    name: "unknown-session",
    title: "answers 404 to a post to an unknown session",
    why: "A client that mistyped an id must not wait for an answer.",
    run: async ({ wire }) => {
      refused(await wire.post("/v1/sessions/sesn_unknown/events", { events: [HELLO] }), [404]);
    },
  },
]);

/** Says hello, and rejects a session that had heard anything else before. */
async function onlyHello(talk: Talk): Promise<void> {
  const turn = await talk.turn(HELLO);
  must(awaitedBy(turn.at(-1)).length === 0, talk.feed.evidence, "a turn that ends");
  const messages = await talk.list("types%5B%5D=user.message");
  must(
    messages.length === 1,
    { sent: `GET ${talk.path}/events`, came: `${messages.length} user.message: ${JSON.stringify(messages)}` },
    "one user.message, since the post before was refused",
  );
}

async function mustHaveResults(talk: Talk, count: number): Promise<void> {
  const results = await talk.list("types%5B%5D=user.custom_tool_result");
  must(
    results.length === count,
    { sent: `GET ${talk.path}/events`, came: `${results.length} user.custom_tool_result` },
    `${count} user.custom_tool_result`,
  );
}

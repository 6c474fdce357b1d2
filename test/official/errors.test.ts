// Refusals and failures as each release of the official SDK shows them: its own error class, status, type and request id.

import { describe, expect, it } from "vitest";

import { answer, call, message, scripted } from "../server/support.ts";
import { RELEASES } from "./releases.ts";
import { API_KEY, logOf, serve } from "./support.ts";

const NO_RETRY = { maxRetries: 0 };

describe.each(RELEASES)("the official SDK $version", (release) => {
  it("sends the key its own way, and is told of a wrong one [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const sent: Headers[] = [];
    const client = (apiKey: string) =>
      new release.Anthropic({
        baseURL: server.url,
        apiKey,
        fetch: (input, init) => {
          sent.push(new Request(input, init).headers);
          return fetch(input, init);
        },
      });
    await client(API_KEY).beta.agents.list();
    const [key, other] =
      release.keyHeader === "authorization"
        ? [`Bearer ${API_KEY}`, sent[0]?.get("x-api-key")]
        : [API_KEY, sent[0]?.get("authorization")];
    expect([sent[0]?.get(release.keyHeader), other]).toEqual([key, null]);
    expect(sent[0]?.get("user-agent")).toContain(release.version);

    const refused: unknown = await client("wrong")
      .beta.agents.list()
      .then(undefined, (thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(release.Anthropic.AuthenticationError);
    expect(refused).toMatchObject({ status: 401, requestID: expect.stringMatching(/^req_/) });
    expect(String(refused)).not.toContain(API_KEY);
  });

  it("is told what is wrong with a request [S7-sdk]", async () => {
    await using server = await serve(release, scripted([call("c1", "add")]));
    const { agents, sessions } = server.client.beta;
    const unnamed: unknown = await agents
      .create({ name: "", model: "m" })
      .then(undefined, (thrown: unknown) => thrown);
    expect(unnamed).toBeInstanceOf(release.Anthropic.BadRequestError);
    expect(unnamed).toMatchObject({
      status: 400,
      error: { type: "error", error: { type: "invalid_request_error", message: expect.any(String) } },
      requestID: expect.stringMatching(/^req_/),
    });

    const id = await server.session(["add"]);
    await using stream = await server.follow(id);
    await sessions.events.send(id, { events: [message("go")] });
    await stream.idle("requires_action");
    const blocked = sessions.events.send(id, { events: [message("more")] });
    await expect(blocked).rejects.toBeInstanceOf(release.Anthropic.BadRequestError);
    const unknown = sessions.events.send(id, { events: [answer("sevt_nobody", "5")] });
    await expect(unknown).rejects.toBeInstanceOf(release.Anthropic.BadRequestError);
  });

  it("is told what is not there [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { NotFoundError } = release.Anthropic;
    const { agents, sessions } = server.client.beta;
    await expect(agents.retrieve("agent_nobody")).rejects.toBeInstanceOf(NotFoundError);
    await expect(sessions.events.stream("sesn_nobody")).rejects.toBeInstanceOf(NotFoundError);
    const send = sessions.events.send("sesn_nobody", { events: [message("Hi")] });
    await expect(send).rejects.toMatchObject({ status: 404 });
  });

  it("sends a message once under a key of its own, though its reply was lost [S7-11]", async () => {
    await using server = await serve(release, scripted("Hello."));
    const id = await server.session();
    let posts = 0;
    const client = new release.Anthropic({
      baseURL: server.url,
      apiKey: API_KEY,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        posts += 1;
        if (posts === 1) throw new TypeError("the reply was lost");
        return response;
      },
    });
    const once = { headers: { "idempotency-key": "message-1" } };
    const sent = await client.beta.sessions.events.send(id, { events: [message("Hi")] }, once);
    expect(posts).toBe(2);
    const log = await logOf(server.client, id);
    const messages = log.filter(({ type }) => type === "user.message");
    expect(messages.map((event) => event.id)).toEqual(sent.data?.map((event) => event.id));
  });

  it("gives up a request of its own, or one that reaches nobody [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { APIConnectionError, APIUserAbortError } = release.Anthropic;
    const aborted = server.client.beta.agents.list({}, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toBeInstanceOf(APIUserAbortError);
    await server[Symbol.asyncDispose]();
    const nobody = server.client.beta.agents.list({}, NO_RETRY);
    await expect(nobody).rejects.toBeInstanceOf(APIConnectionError);
  });
});

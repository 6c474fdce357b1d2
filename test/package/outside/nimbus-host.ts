// The host that docs/providers.md writes a provider for, as the provider contract wants it: a log of events over HTTP, a model
// that plays turns, and strings to pull. It runs outside this repository, so it imports nothing but Node and the package.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { ContractHost, ContractTurn, Heard } from "loophost/testing";

interface Input {
  readonly id?: string;
  readonly say?: string;
  readonly answers?: string;
  readonly text?: string;
  readonly isError?: boolean;
  readonly stop?: boolean;
}

interface LogSession {
  readonly log: object[];
  readonly readers: Set<ServerResponse>;
  readonly keys: Set<string>;
  /** Calls of the open turn that have no answer yet. */
  waits: Set<string>;
  /** Ends the turn under way. */
  stop: (() => void) | undefined;
}

/** A host over HTTP, and how it is reached. */
export interface NimbusHost extends Omit<ContractHost, "provider"> {
  readonly baseUrl: string;
}

/** Starts the host; its model plays these turns. */
export async function nimbusHost(turns: readonly ContractTurn[]): Promise<NimbusHost> {
  const sessions: LogSession[] = [];
  const heard: Heard[] = [];
  const waiting = [...turns];
  let lose: "message" | "result" | undefined;
  let refuse: "message" | "result" | undefined;

  const tell = (session: LogSession, event: object) => {
    const numbered = { n: session.log.length + 1, ...event };
    session.log.push(numbered);
    for (const reader of session.readers) reader.write(`data: ${JSON.stringify(numbered)}\n\n`);
  };
  const playTurn = async (session: LogSession) => {
    tell(session, { type: "turn" });
    const { promise: stopped, resolve } = Promise.withResolvers<"stopped">();
    session.stop = () => resolve("stopped");
    const { text, calls = [], after } = waiting.shift() ?? {};
    const how = await Promise.race([Promise.resolve(after), stopped]);
    session.stop = undefined;
    if (how === "stopped") return tell(session, { type: "idle", why: "stopped", waits: [] });
    if (text !== undefined) tell(session, { type: "say", text });
    for (const call of calls) tell(session, { type: "call", ...call });
    session.waits = new Set(calls.map(({ id }) => id));
    tell(session, { type: "idle", why: calls.length > 0 ? "calls" : "done", waits: [...session.waits] });
  };
  const take = (session: LogSession, input: Input) => {
    if (input.stop === true) {
      const isOpen = session.waits.size > 0;
      session.waits.clear();
      if (session.stop !== undefined) session.stop();
      else if (isOpen) tell(session, { type: "idle", why: "stopped", waits: [] });
    } else if (input.say !== undefined) {
      heard.push({ what: "message", text: input.say });
      tell(session, { type: "taken", message: input.id });
      playTurn(session).catch(() => server.closeAllConnections());
    } else if (input.answers !== undefined && session.waits.delete(input.answers)) {
      heard.push({
        what: "result",
        id: input.answers,
        text: input.text ?? "",
        isError: input.isError === true,
      });
      tell(session, { type: "answered", id: input.answers });
      if (session.waits.size === 0) playTurn(session).catch(() => server.closeAllConnections());
    }
  };

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://host");
    const [, , id = "", what = ""] = url.pathname.split("/");
    const session = sessions[Number(id)];
    const reply = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== "Bearer nimbus-key") return void reply(401, {});
    if (request.method === "POST" && id === "") {
      const made = { log: [], readers: new Set<ServerResponse>(), keys: new Set<string>() };
      sessions.push({ ...made, waits: new Set(), stop: undefined });
      return void reply(200, { id: String(sessions.length - 1) });
    }
    if (session === undefined) return void reply(404, {});
    if (what === "log") {
      const { log } = session;
      return void reply(200, url.searchParams.get("order") === "desc" ? log.toReversed() : log);
    }
    if (what === "events") {
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
      session.readers.add(response);
      response.on("close", () => session.readers.delete(response));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { key, inputs } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string; inputs: Input[] };
    const kind = inputs.some(({ say }) => say !== undefined) ? "message" : "result";
    if (refuse === kind) {
      refuse = undefined;
      return void reply(503, { error: { message: "busy" } });
    }
    if (!session.keys.has(key)) {
      session.keys.add(key);
      for (const input of inputs) take(session, input);
    }
    if (lose === kind) {
      lose = undefined;
      return void request.socket.destroy();
    }
    reply(202, {});
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    heard,
    faults: {
      loseReply: (to) => void (lose = to),
      refuseOnce: (kind) => void (refuse = kind),
      cut: () => {
        for (const { readers } of sessions) for (const reader of readers) reader.destroy();
      },
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

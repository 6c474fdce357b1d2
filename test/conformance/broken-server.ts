// A server that breaks one rule: the embedded host behind something that meddles with requests, replies and frames.

/** A rule that is broken, and the check that must notice. */
export interface Mutation {
  readonly check: string;
  readonly how: string;
  /** Answers a request, with the host to ask. Made anew for each server, so it may remember. */
  readonly make: () => Meddle;
}

/** Passes a request on, changed or not, and its reply back, changed or not. */
export type Meddle = (asked: Asked, next: (asked: Asked) => Promise<Response>) => Promise<Response>;

/** A request, with its body read. */
export interface Asked {
  /** Method, path and query: `GET /v1/sessions?limit=1`. */
  readonly line: string;
  readonly headers: Headers;
  readonly body: SeenBody;
  readonly init: RequestInit | undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- bodies are meddled with field by field
export type SeenBody = any;
type Change = (body: SeenBody, asked: Asked) => unknown;

/** A `fetch` that reaches the broken server. */
export function broken(fetchHost: (request: Request) => Promise<Response>, meddle: Meddle): typeof fetch {
  const next = ({ line, headers, body, init }: Asked) => {
    const [method = "", path = ""] = line.split(" ");
    const text = body instanceof FormData || typeof body === "string" ? body : JSON.stringify(body);
    const { signal } = init ?? {};
    return fetchHost(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: text }),
        ...(signal && { signal }),
      }),
    );
  };
  return async (input, init) => {
    const url = new URL(String(input));
    const body = init?.body ?? undefined;
    const line = `${init?.method ?? "GET"} ${url.pathname}${url.search}`;
    const asked = { line, headers: new Headers(init?.headers), body: readable(body), init };
    asked.headers.set("host", "127.0.0.1");
    return await meddle(asked, next);
  };
}

/** Changes the JSON of the replies to some requests, when they succeeded. */
export function replies(to: RegExp, change: Change): () => Meddle {
  return () => async (asked, next) => {
    const response = await next(asked);
    if (!to.test(asked.line) || response.status !== 200 || isStream(response)) return response;
    const body: SeenBody = await response.json();
    return json(change(body, asked) ?? body, 200, response.headers);
  };
}

/** Gives some requests another status than they deserve. */
export function answersWith(status: number, to: RegExp, instead: RegExp = /./): () => Meddle {
  return () => async (asked, next) => {
    const response = await next(asked);
    if (!to.test(asked.line) || !instead.test(String(response.status))) return response;
    const body: SeenBody = await response.json().catch(() => ({}));
    return json(status === 200 ? { data: [], ...body } : body, status, response.headers);
  };
}

/** Answers some requests without asking the host. */
export function refuses(when: (asked: Asked) => boolean, status = 400): () => Meddle {
  return () => async (asked, next) => (when(asked) ? json(errorBody("refused"), status) : next(asked));
}

/** Answers some requests with a reply of its own, and does nothing. */
export function pretends(to: RegExp, reply: (asked: Asked) => unknown): () => Meddle {
  return () => async (asked, next) => {
    const made = to.test(asked.line) ? reply(asked) : undefined;
    return made === undefined ? next(asked) : json(made);
  };
}

/** Changes requests before the host sees them: their line, or their JSON body. */
export function hears(to: RegExp, change: { line?: (line: string) => string; body?: Change }): () => Meddle {
  return () => (asked, next) => {
    if (!to.test(asked.line)) return next(asked);
    const changed = change.body?.(structuredClone(asked.body), asked);
    return next({
      ...asked,
      line: change.line?.(asked.line) ?? asked.line,
      body: changed ?? asked.body,
    });
  };
}

/** A body without one of its fields. */
export function omit(body: SeenBody, name: string): SeenBody {
  return Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));
}

/** Takes a parameter out of a line. */
export function withoutQuery(name: string): (line: string) => string {
  return (line) => {
    const [path = "", query = ""] = line.split("?");
    const kept = query.split("&").filter((pair) => !new RegExp(`^${name}=`).test(pair));
    return kept.join("&") === "" ? path : `${path}?${kept.join("&")}`;
  };
}

/** Changes the text of each frame of the streams; comments are frames, too. */
export function frames(make: () => (frame: string) => string): () => Meddle {
  return () => async (asked, next) => {
    const response = await next(asked);
    if (!isStream(response) || response.body === null) return response;
    const change = make();
    let rest = "";
    const meddled = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TransformStream<string, string>({
        transform(chunk, controller) {
          const pieces = (rest + chunk).split(/(?<=\n\n)/);
          rest = pieces.at(-1)?.endsWith("\n\n") ? "" : (pieces.pop() ?? "");
          for (const piece of pieces) controller.enqueue(change(piece));
        },
      }),
    );
    return new Response(meddled.pipeThrough(new TextEncoderStream()), { headers: response.headers });
  };
}

/** Changes the events of the streams: what it gives back is sent instead. */
export function events(change: (event: SeenBody) => readonly SeenBody[]): () => Meddle {
  return frames(() => (frame) => {
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (data === undefined || frame.includes("event: ping")) return frame;
    return change(JSON.parse(data))
      .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
      .join("");
  });
}

/** A reply. */
export function json(body: unknown, status = 200, headers?: Headers): Response {
  const kept = headers?.get("request-id") ?? "req_broken";
  return Response.json(body, { status, headers: { "request-id": kept } });
}

/** The body of a refusal. */
export function errorBody(message: string, type = "invalid_request_error"): object {
  return { type: "error", error: { type, message }, request_id: "req_broken" };
}

function isStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") === true;
}

function readable(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

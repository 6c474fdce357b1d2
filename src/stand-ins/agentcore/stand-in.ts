/** The stand-in as a server: both planes at one address, every request checked, recorded and answered as the service would. */

import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";

import type { Names } from "../../core/check-options.ts";
import { checkNames } from "../../core/check-options.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { isObject } from "../../core/json.ts";
import type { Model } from "../../providers/local/model.ts";
import type { ModelFunction } from "../../providers/local/models/function-model.ts";
import { functionModel } from "../../providers/local/models/function-model.ts";
import type { ServerTool, StreamEvent } from "./agent-session.ts";
import { AgentSession } from "./agent-session.ts";
import type { ControlRequest } from "./control-plane.ts";
import { ControlPlane } from "./control-plane.ts";
import { encodeException } from "./event-stream.ts";
import type { ControlFault, Fault } from "./faults.ts";
import { breakOff, suffer, writeStream } from "./faults.ts";
import type { Harnesses } from "./harnesses.ts";
import { parse, readBody, refuse, sendJson } from "./http.ts";
import { checkSession, readInvocation } from "./invocation.ts";
import { invalid, Refusal } from "./refusal.ts";
import type { KeyPair } from "./sigv4.ts";
import { signatureProblem } from "./sigv4.ts";

/** What a command of the session's shell came to. */
export interface CommandOutcome {
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly exitCode: number;
}

/** How the stand-in is made. */
export interface StandInOptions {
  /** The model behind the agent: one of the models of `local()`, or a function that answers. */
  readonly model: Model | ModelFunction;
  /** Tools the harness runs itself. */
  readonly serverTools?: readonly ServerTool[] | undefined;
  /** Who may sign requests. Default: key id and secret "loopback". */
  readonly credentials?: readonly KeyPair[] | undefined;
  /** The token of a harness with an authorizer: then it is wanted instead of a signature. */
  readonly bearerToken?: string | undefined;
  /** The service's rules for answers of calls; "2026-06" are the older ones. Default "2026-09". */
  readonly rules?: "2026-09" | "2026-06" | undefined;
  /** How an invocation is refused: as an HTTP error, or as the first frame of its stream. Default "http". */
  readonly refuses?: "http" | "first-frame" | undefined;
  /** The longest piece a text, or the input of a call, comes in, in characters. Default: each in two halves. */
  readonly pieceChars?: number | undefined;
  /** What the shell of a session says. Default: nothing, with success. */
  readonly onCommand?: ((command: string) => CommandOutcome) | undefined;
  /** The clock for how long harnesses take. Default: the system clock. */
  readonly clock?: Clock | undefined;
  readonly region?: string | undefined;
  /** Default 0: any that is free. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1. */
  readonly hostname?: string | undefined;
}

/** A request the stand-in was sent. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly sessionId: string | undefined;
  readonly body: unknown;
  /** Whether it was refused. */
  readonly isRefused: boolean;
}

/** A stand-in that listens. */
export interface AgentCoreStandIn {
  /** The address of both planes. */
  readonly url: string;
  /** The harness that is there from the start. */
  readonly harnessArn: string;
  /** What was asked, in order. */
  readonly requests: readonly SeenRequest[];
  readonly harnesses: Harnesses;
  /** Lets the next invocations and commands suffer these, one each. */
  fail(...faults: Fault[]): void;
  /** Lets the next requests to the control plane suffer these, one each. */
  failControl(...faults: ControlFault[]): void;
  close(): Promise<void>;
}

const OPTIONS: Names<StandInOptions> = {
  model: 1,
  serverTools: 1,
  credentials: 1,
  bearerToken: 1,
  rules: 1,
  refuses: 1,
  pieceChars: 1,
  onCommand: 1,
  clock: 1,
  region: 1,
  port: 1,
  hostname: 1,
};

/** Starts a stand-in for Amazon Bedrock AgentCore Harness; throws `invalid_options` for an unknown option. */
export async function agentCoreStandIn(options: StandInOptions): Promise<AgentCoreStandIn> {
  checkNames("agentCoreStandIn()", options, OPTIONS);
  const { region = "us-west-2", port = 0, hostname = "127.0.0.1" } = options;
  const service = new Service(options, region);
  const server = createServer((request, response) => {
    service.answer(request, response).catch(() => response.destroy());
  });
  // Node's own 5 s would close a connection just as it is used again on a busy machine, and an invocation is not sent twice.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  const actual = isObject(address) ? address["port"] : port;
  return {
    url: `http://${hostname}:${String(actual)}`,
    harnessArn: service.harnessArn,
    requests: service.requests,
    harnesses: service.harnesses,
    fail: (...faults) => void service.faults.push(...faults),
    failControl: (...faults) => void service.controlFaults.push(...faults),
    close: () => closeServer(server, service),
  };
}

function closeServer(server: Server, service: Service): Promise<void> {
  service.stopAll();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

class Service {
  readonly requests: SeenRequest[] = [];
  readonly faults: Fault[] = [];
  readonly controlFaults: ControlFault[] = [];
  readonly harnessArn: string;
  readonly #control: ControlPlane;
  readonly #options: StandInOptions;
  readonly #sessions = new Map<string, AgentSession>();

  constructor(options: StandInOptions, region: string) {
    this.#options = options;
    this.#control = new ControlPlane(region, options.clock ?? systemClock);
    const made = this.harnesses.create({
      harnessName: "Demo",
      executionRoleArn: "arn:aws:iam::123456789012:role/R",
    });
    this.harnessArn = made.harness.arn;
  }

  get harnesses(): Harnesses {
    return this.#control.harnesses;
  }

  stopAll(): void {
    for (const session of this.#sessions.values()) session.stopping.abort();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    let seen: Seen | undefined;
    const body = await readBody(request);
    const [path = "", query = ""] = url.split("?");
    const sent = headers["x-amzn-bedrock-agentcore-runtime-session-id"];
    const sessionId = typeof sent === "string" ? sent : undefined;
    try {
      this.#authenticate({ method, url, headers, body }, path);
      const parsed = body.length === 0 ? {} : parse(body);
      const params = new URLSearchParams(query);
      const asked = { method, path, query: params, body: parsed, sessionId };
      seen = { ...asked, query: Object.fromEntries(params), headers, isRefused: false };
      this.requests.push(seen);
      if (path === "/harnesses/invoke") return await this.#invoke(asked, response);
      if (path.endsWith("/stopruntimesession")) return this.#stop(asked, response);
      if (path.endsWith("/commands")) return await this.#command(asked, response);
      const fault = this.controlFaults.shift();
      if (fault !== undefined && fault.when !== "after") return suffer(response, fault);
      const [status, answer] = this.#control.answer(asked);
      if (fault !== undefined) return suffer(response, fault);
      sendJson(response, status, answer);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      if (seen !== undefined) seen.isRefused = true;
      refuse(response, thrown);
    }
  }

  #authenticate(request: Parameters<typeof signatureProblem>[0], path: string): void {
    const { bearerToken, credentials = [{ accessKeyId: "loopback", secretAccessKey: "loopback" }] } =
      this.#options;
    const isData = path === "/harnesses/invoke" || path.startsWith("/runtimes/");
    if (bearerToken !== undefined && isData) {
      if (request.headers.authorization === `Bearer ${bearerToken}`) return;
      throw new Refusal(403, "AccessDeniedException", "The token is not accepted.");
    }
    const problem = signatureProblem(request, credentials);
    if (problem !== undefined) throw new Refusal(403, problem, "The request is not signed as it has to be.");
  }

  async #invoke({ query, body, sessionId }: Asked, response: ServerResponse): Promise<void> {
    const fault = this.#nextFault(response);
    let events: AsyncIterable<StreamEvent>;
    try {
      const id = checkSession(sessionId);
      const deployed = this.harnesses.deployed(
        query.get("harnessArn") ?? undefined,
        query.get("qualifier") ?? undefined,
      );
      events = this.#session(id).invoke(readInvocation(body), deployed);
    } catch (thrown) {
      if (!(thrown instanceof Refusal) || this.#options.refuses !== "first-frame") throw thrown;
      const type = thrown.type.charAt(0).toLowerCase() + thrown.type.slice(1);
      response.writeHead(200, { "content-type": EVENT_STREAM });
      response.end(encodeException(type, thrown.message));
      return;
    }
    if (fault?.is === "json") return sendJson(response, 200, { message: "On demand." });
    if (fault?.is === "reset" && fault.at === "request") {
      response.destroy();
      for await (const _ of events) continue;
      return;
    }
    response.writeHead(200, { "content-type": EVENT_STREAM, "x-amzn-requestid": crypto.randomUUID() });
    await writeStream(response, events, fault).catch((thrown: unknown) => breakOff(response, thrown));
  }

  /** What the next stream suffers; a refusal is thrown. */
  #nextFault(response: ServerResponse): Fault | undefined {
    const fault = this.faults.shift();
    if (fault?.is !== "refusal") return fault;
    if (fault.retryAfter !== undefined) response.setHeader("retry-after", String(fault.retryAfter));
    throw new Refusal(fault.status, fault.type, `On demand: ${fault.type}.`);
  }

  #session(id: string): AgentSession {
    const { model, serverTools = [], rules = "2026-09", pieceChars } = this.#options;
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const made = new AgentSession({
      model: typeof model === "function" ? functionModel(model) : model,
      serverTools,
      rules,
      pieceChars,
    });
    this.#sessions.set(id, made);
    return made;
  }

  #stop({ sessionId }: Asked, response: ServerResponse): void {
    const session = this.#sessions.get(sessionId ?? "");
    if (session === undefined)
      throw new Refusal(404, "ResourceNotFoundException", "There is no such session.");
    session.stopping.abort();
    this.#sessions.delete(sessionId ?? "");
    response.setHeader("x-amzn-bedrock-agentcore-runtime-session-id", sessionId ?? "");
    sendJson(response, 200, {});
  }

  async #command({ body, sessionId }: Asked, response: ServerResponse): Promise<void> {
    const fault = this.#nextFault(response);
    checkSession(sessionId);
    const command = body["command"];
    if (typeof command !== "string" || command === "") throw invalid("command", "Member must not be empty");
    const { stdout, stderr, exitCode } = this.#options.onCommand?.(command) ?? { exitCode: 0 };
    const events = [
      chunk({ contentStart: {} }),
      ...(stdout === undefined ? [] : [chunk({ contentDelta: { stdout } })]),
      ...(stderr === undefined ? [] : [chunk({ contentDelta: { stderr } })]),
      chunk({ contentStop: { exitCode, status: "COMPLETED" } }),
    ];
    response.writeHead(200, { "content-type": EVENT_STREAM });
    await writeStream(response, toAsync(events), fault);
  }
}

type Seen = { -readonly [Field in keyof SeenRequest]: SeenRequest[Field] };

interface Asked extends ControlRequest {
  readonly sessionId: string | undefined;
}

function chunk(value: object): StreamEvent {
  return ["chunk", value];
}

const EVENT_STREAM = "application/vnd.amazon.eventstream";

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

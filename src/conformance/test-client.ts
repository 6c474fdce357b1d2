/**
 * The client a check gets: it creates agents, environments and sessions, and deletes all it created.
 *
 *   G1  agents and environments are shared by a whole run, so that a run stays within the rate limits of a paid
 *       service; everything else belongs to the check that made it
 *   G2  set-up tries the forms that servers accept, in turn; where all are refused, the check was not tried, and only
 *       the checks of that area fail
 *   G3  cleanup that fails is reported with the path of what is left, never swallowed
 */

import type { JsonObject } from "../core/json.ts";
import { Mismatch, NotTried } from "./check.ts";
import { EventFeed } from "./event-feed.ts";
import { at, isOk, ok, textAt } from "./expect.ts";
import { Talk } from "./talk.ts";
import type { Reply, Wire } from "./wire.ts";

/** What serves a whole run. */
export class RunFixtures {
  readonly modelId: string;
  readonly silenceMs: number;
  readonly ids: Map<string, string> = new Map();
  readonly made: string[] = [];
  readonly left: string[] = [];

  constructor(modelId: string, silenceMs: number) {
    this.modelId = modelId;
    this.silenceMs = silenceMs;
  }

  /** Takes away what was made, the latest first. */
  async clear(wire: Wire, made: readonly string[]): Promise<void> {
    for (const path of made.toReversed()) if (!(await remove(wire, path))) this.left.push(path);
  }
}

const SYSTEM =
  "You are part of a test of a server. Do what a message asks, exactly and without any remark. " +
  "Never call a tool that a message does not name.";

/** The tool every agent here has. */
export const LOOK_UP: JsonObject = {
  type: "custom",
  name: "look_up",
  description: "Finds the code that belongs to a word.",
  input_schema: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
};

/** A client in one check. */
export class TestClient {
  readonly wire: Wire;
  readonly #fixtures: RunFixtures;
  readonly #made: string[];
  readonly #area: string;

  /**
   * @param made gets the paths of what is made, to be taken away
   * @param area what the check is about: whatever else it needs is set-up
   */
  constructor(wire: Wire, fixtures: RunFixtures, made: string[], area: string) {
    this.wire = wire;
    this.#fixtures = fixtures;
    this.#made = made;
    this.#area = area;
  }

  get modelId(): string {
    return this.#fixtures.modelId;
  }

  /** How long a stream may be silent. */
  get silenceMs(): number {
    return this.#fixtures.silenceMs;
  }

  /** Creates an agent that nobody else uses. */
  async newAgent(changes: object = {}): Promise<Reply> {
    const body = { name: uniqueName(), model: this.modelId, system: SYSTEM, tools: [LOOK_UP], ...changes };
    const bodies = [body, { ...body, model: { id: this.modelId } }];
    const make = async () => ok(await this.#firstTaken("/v1/agents", bodies));
    const isPlain = Object.keys(changes).length === 0;
    return this.remember(await (isPlain ? this.#setUp("agents", "an agent", make) : make()), "/v1/agents");
  }

  /** Creates an environment that nobody else uses. */
  async newEnvironment(changes: object = {}): Promise<Reply> {
    const body = { name: uniqueName(), config: { type: "cloud" }, ...changes };
    const { config: _, ...plain } = body;
    const reply = await this.#firstTaken("/v1/environments", "config" in changes ? [body] : [body, plain]);
    return this.remember(ok(reply), "/v1/environments");
  }

  /** The id of an agent to make sessions of. */
  agent(): Promise<string> {
    return this.shared("agent", () => this.newAgent());
  }

  /** The id of an environment to make sessions in. */
  environment(): Promise<string> {
    return this.#setUp("environments", "an environment", () =>
      this.shared("environment", () => this.newEnvironment()),
    );
  }

  /** The id of something made once for the whole run. */
  async shared(key: string, make: () => Promise<Reply>): Promise<string> {
    const { ids, made } = this.#fixtures;
    const id = ids.get(key) ?? textAt(await make(), "id");
    if (!ids.has(key)) {
      ids.set(key, id);
      // It is what was made last, and the run's from now on.
      const path = this.#made.pop();
      if (path !== undefined) made.push(path);
    }
    return id;
  }

  /** Creates a session. */
  async newSession(changes: object = {}): Promise<Reply> {
    const make = async () => ok(await this.trySession(changes));
    return Object.keys(changes).length === 0 ? this.#setUp("sessions", "a session", make) : make();
  }

  /** Asks for a session, which may be refused. */
  async trySession(changes: object): Promise<Reply> {
    const reply = await this.wire.post("/v1/sessions", {
      agent: await this.agent(),
      environment_id: await this.environment(),
      ...changes,
    });
    return isOk(reply) ? this.remember(reply, "/v1/sessions") : reply;
  }

  /** Creates a session and follows it. The stream ends with the check. */
  async talk(changes: object = {}): Promise<Talk> {
    const id = textAt(await this.newSession(changes), "id");
    const feed = await this.#setUp("stream", "an event stream", () => this.follow(id));
    return new Talk(this.wire, id, feed);
  }

  /** Follows a session. The stream ends with the check. */
  follow(sessionId: string, query = ""): Promise<EventFeed> {
    return EventFeed.open(this.wire, `/v1/sessions/${sessionId}/events/stream${query}`);
  }

  /** Remembers what a reply made, to take it away. */
  remember(reply: Reply, collection: string): Reply {
    const path = `${collection}/${textAt(reply, "id")}`;
    if (!this.#made.includes(path)) this.#made.push(path);
    return reply;
  }

  /** Does what the check itself is not about. */
  async #setUp<T>(area: string, what: string, work: () => Promise<T>): Promise<T> {
    return await work().catch((thrown: unknown) => {
      throw thrown instanceof Mismatch && this.#area !== area ? new NotTried(what, thrown) : thrown;
    });
  }

  /** Asks in one way after the other until the server does not call the request wrong; the last reply, where it always does. */
  async #firstTaken(path: string, bodies: readonly object[]): Promise<Reply> {
    const [body = {}, ...others] = bodies;
    const reply = await this.wire.post(path, body);
    const isWrong = reply.status === 400 || reply.status === 422;
    return isWrong && others.length > 0 ? this.#firstTaken(path, others) : reply;
  }
}

/** Servers may want every name once. */
function uniqueName(): string {
  return `loophost-conformance-${crypto.randomUUID()}`;
}

/** Removes a thing in the way its kind allows; whether it is gone. */
async function remove(wire: Wire, path: string): Promise<boolean> {
  if (path.startsWith("/v1/agents/")) return isGone(await wire.post(`${path}/archive`));
  if (isGone(await wire.delete(path))) return true;
  if (path.startsWith("/v1/sessions/")) {
    // It is busy (409): interrupt it, and retry until it stops.
    for (let pauseMs = 20; pauseMs < 2_000; pauseMs *= 2) {
      await wire.post(`${path}/events`, { events: [{ type: "user.interrupt" }] });
      await wire.pause(pauseMs);
      if (isGone(await wire.delete(path))) return true;
    }
  }
  return isGone(await wire.post(`${path}/archive`));
}

function isGone({ status, body }: Reply): boolean {
  return (status >= 200 && status < 300) || (status === 404 && at(body, "type") === "error");
}

// A server of the Claude Managed Agents wire with planted differences, over HTTP. It knows nothing of src/server, and has no more
// of the wire than a session needs.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { EventHub, Refusal } from "./event-hub.ts";
import type { Planted } from "./planted.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- bodies are read field by field
type Body = any;

/** A server that listens. */
export interface PlantedServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts a server on a free port. */
export async function startPlantedServer(how: Planted): Promise<PlantedServer> {
  const records = new Map<string, Body>();
  const hubs = new Map<string, EventHub>();
  let count = 0;

  const make = (kind: string, body: Body): Body => {
    const id = `${kind.slice(0, 4)}_${(count += 1)}`;
    const now = new Date().toISOString();
    const made = { ...DEFAULTS[kind], ...body, id, type: kind, created_at: now, updated_at: now };
    records.set(id, made);
    return made;
  };
  const find = (kind: string, id: string | undefined): Body => {
    const found = records.get(id ?? "");
    if (found?.type === kind) return found;
    throw new Fault(404, "not_found_error", `no ${kind} ${id}`);
  };
  const create: Record<string, (body: Body) => Body> = {
    agents(body) {
      if (typeof body.name !== "string") throw new Fault(400, "invalid_request_error", "name: missing");
      if (how.modelObject && typeof body.model !== "object")
        throw new Fault(422, "invalid_request_error", "model: an object");
      const isTaken = [...records.values()].some(
        (other) => other.type === "agent" && other.name === body.name,
      );
      if (how.namesOnce && isTaken) throw new Fault(409, "invalid_request_error", "the name is taken");
      const model = typeof body.model === "object" ? body.model : { id: body.model };
      return make("agent", { ...body, model, version: 1 });
    },
    environments(body) {
      if (how.config === "demanded" && body.config === undefined)
        throw new Fault(400, "invalid_request_error", "config: missing");
      if (how.config === "refused" && body.config !== undefined)
        throw new Fault(400, "invalid_request_error", "config: unknown field");
      return make("environment", body);
    },
    sessions({ initial_events: first, ...body }) {
      const agent = find("agent", typeof body.agent === "object" ? body.agent.id : body.agent);
      find("environment", body.environment_id);
      const session = make("session", { ...body, agent });
      const hub = new EventHub(how);
      hubs.set(session.id, hub);
      if (first !== undefined) hub.post(first);
      return { ...session, status: first === undefined ? "idle" : "running" };
    },
  };

  const answer = async (request: IncomingMessage, response: ServerResponse, requestId: string) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://host");
    const [, , collection = "", id, ...rest] = pathname.split("/");
    const sub = rest.join("/");
    const given = await text(request);
    const body = given === "" ? {} : parse(given);
    const reply = (value: unknown, status = 200) => {
      response.writeHead(status, { "content-type": "application/json", "request-id": requestId });
      response.end(JSON.stringify(value));
    };
    const isLacking = how.lacks === collection && request.method === "POST" && id === undefined;
    if (isLacking || (how.lacks === "stream" && sub === "events/stream"))
      throw new Fault(501, "api_error", "not here");
    const maker = Object.hasOwn(create, collection) ? create[collection] : undefined;
    if (maker === undefined) throw new Fault(404, "not_found_error", "no such path");
    const kind = collection.slice(0, -1);
    if (id === undefined) {
      if (request.method === "POST") return reply(maker(body), how.created);
      return reply(page([...records.values()].filter((one) => one.type === kind).toReversed(), searchParams));
    }
    const record = find(kind, id);
    const hub = hubs.get(id);
    if (request.method === "DELETE" || sub === "archive") {
      records.delete(id);
      for (const stream of hub?.streams ?? []) stream.end();
      return reply({ id, type: `${kind}_deleted` });
    }
    if (hub === undefined || sub === "") return reply(hub ? { ...record, status: hub.status } : record);
    if (sub === "events/stream") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(": open\n\n");
      hub.streams.add(response);
      return void response.on("close", () => hub.streams.delete(response));
    }
    if (request.method !== "POST") {
      const types = searchParams.getAll("types[]");
      const listed = hub.log.filter(({ type }) => types.length === 0 || types.includes(type));
      return reply({ data: listed.map((event) => (how.wraps ? { event } : event)), next_page: null });
    }
    const data = hub.post(body.events);
    if (how.postReply === undefined) return reply({ data });
    response.writeHead(how.postReply === "204" ? 204 : 202, { "content-type": "text/plain" });
    return void response.end(how.postReply === "a word" ? "accepted" : "");
  };

  const server = createServer((request, response) => {
    const requestId = `req_${(count += 1)}`;
    answer(request, response, requestId).catch((thrown: unknown) => {
      const fault = thrown instanceof Fault ? thrown : new Fault(thrown instanceof Refusal ? 400 : 500);
      const error = { type: fault.type, message: String(thrown) };
      response.writeHead(fault.status, { "content-type": "application/json", "request-id": requestId });
      response.end(JSON.stringify({ type: "error", error, request_id: requestId }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const DEFAULTS: Readonly<Record<string, object>> = {
  agent: { description: null, system: null, mcp_servers: [], skills: [], archived_at: null, metadata: {} },
  environment: { description: null, config: { type: "cloud" }, archived_at: null, metadata: {} },
  session: {
    title: null,
    budget: null,
    archived_at: null,
    metadata: {},
    status: "idle",
    resources: [],
    vault_ids: [],
    usage: {},
    stats: {},
  },
};

class Fault extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type = "invalid_request_error", message = "") {
    super(message);
    this.status = status;
    this.type = type;
  }
}

function parse(given: string): Body {
  try {
    return JSON.parse(given);
  } catch {
    throw new Fault(400, "invalid_request_error", "not JSON");
  }
}

function page(all: readonly Body[], query: URLSearchParams): object {
  const agentId = query.get("agent_id");
  const fitting = all.filter((one) => agentId === null || one.agent?.id === agentId);
  const [start, limit] = [Number(query.get("page") ?? 0), Number(query.get("limit") ?? 100)];
  const next = start + limit;
  return { data: fitting.slice(start, next), next_page: next < fitting.length ? String(next) : null };
}

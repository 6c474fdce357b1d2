// What can be wrong with access, errors and records: agents, environments, sessions, files.

import type { Mutation } from "./broken-server.ts";
import {
  answersWith,
  errorBody,
  hears,
  json,
  omit,
  pretends,
  refuses,
  replies,
  withoutQuery,
} from "./broken-server.ts";

/** The mutations. */
export const recordMutations: readonly Mutation[] = [
  {
    check: "access.bearer",
    how: "reads x-api-key only",
    make: refuses(({ headers }) => !headers.has("x-api-key"), 401),
  },
  {
    check: "access.x-api-key",
    how: "reads Authorization only",
    make: refuses(({ headers }) => !headers.has("authorization"), 401),
  },
  {
    check: "access.no-key",
    how: "answers 403 to a request without a key",
    make: refuses(({ headers }) => !headers.has("authorization") && !headers.has("x-api-key"), 403),
  },
  {
    check: "access.wrong-key",
    how: "takes any key",
    make: () => (asked, next) => {
      const isWrong = asked.headers.get("authorization")?.includes("wrong") === true;
      if (isWrong) asked.headers.set("authorization", "Bearer secret-key");
      return next(asked);
    },
  },
  {
    check: "access.beta-flag",
    how: "refuses ?beta=true",
    make: refuses(({ line }) => line.includes("beta=true")),
  },
  {
    check: "access.versions",
    how: "knows the older version only",
    make: refuses(({ headers }) => headers.get("anthropic-version") === "2026-10-21"),
  },
  {
    check: "access.unknown-query",
    how: "refuses unknown parameters",
    make: refuses(({ line }) => line.includes("x_unknown")),
  },
  {
    check: "access.unknown-body",
    how: "refuses unknown fields",
    make: refuses(({ body }) => body?.x_unknown !== undefined),
  },
  {
    check: "errors.body",
    how: "has error bodies of its own",
    make: () => async (asked, next) => {
      const response = await next(asked);
      return response.status === 404 ? json({ message: "nope" }, 404) : response;
    },
  },
  {
    check: "errors.request-id",
    how: "sends the same request-id each time",
    make: () => async (asked, next) => {
      const response = await next(asked);
      response.headers.set("request-id", "req_same");
      return response;
    },
  },
  { check: "errors.json", how: "fails over broken JSON", make: answersWith(500, /POST/, /400/) },
  { check: "errors.missing-field", how: "fails over a missing field", make: answersWith(500, /POST/, /400/) },
  {
    check: "errors.unknown-route",
    how: "shows a web page",
    make: () => async (asked, next) =>
      asked.line.includes("x-unknown") ? new Response("<h1>404</h1>", { status: 404 }) : next(asked),
  },
  {
    check: "agents.create",
    how: "leaves out what is null",
    make: replies(/POST \/v1\/agents$/, (body) => omit(body, "archived_at")),
  },
  {
    check: "agents.retrieve",
    how: "forgets the tools",
    make: replies(/GET \/v1\/agents\/agent/, (body) => ({ ...body, tools: [] })),
  },
  {
    check: "agents.toolset",
    how: "repeats a toolset as it was sent",
    make: replies(/POST \/v1\/agents$/, (body) => ({ ...body, tools: [{ type: body.tools[0].type }] })),
  },
  {
    check: "agents.update",
    how: "replaces metadata",
    make: replies(/POST \/v1\/agents\/[^/]+$/, (body) => ({ ...body, metadata: { add: "3" } })),
  },
  {
    check: "agents.stale-update",
    how: "does not look at the version",
    make: hears(/POST \/v1\/agents\/[^/]+$/, { body: (body) => omit(body, "version") }),
  },
  {
    check: "agents.versions",
    how: "keeps the latest version only",
    make: replies(/GET .*\/versions/, (body) => ({ ...body, data: body.data.slice(0, 1) })),
  },
  {
    check: "agents.list",
    how: "lists nothing",
    make: replies(/GET \/v1\/agents\?/, () => ({ data: [], next_page: null })),
  },
  {
    check: "agents.archive",
    how: "lists what is archived",
    make: hears(/GET \/v1\/agents\?/, { line: (line) => `${line}&include_archived=true` }),
  },
  {
    check: "agents.snapshot",
    how: "shows the agent as it is now",
    make: replies(/GET \/v1\/sessions\/[^/]+$/, (body) => ({
      ...body,
      agent: { ...body.agent, version: 2, system: "Second." },
    })),
  },
  {
    check: "environments.create",
    how: "leaves out the config",
    make: replies(/\/v1\/environments/, (body) => omit(body, "config")),
  },
  {
    check: "environments.list",
    how: "lists nothing",
    make: replies(/GET \/v1\/environments\?/, () => ({ data: [], next_page: null })),
  },
  {
    check: "environments.update",
    how: "forgets the name",
    make: replies(/POST \/v1\/environments\/[^/]+$/, (body) => ({ ...body, name: "" })),
  },
  {
    check: "environments.archive",
    how: "archives nothing",
    make: pretends(/POST \/v1\/environments\/[^/]+\/archive$/, () => ({ archived_at: new Date() })),
  },
  {
    check: "environments.delete",
    how: "deletes nothing",
    make: pretends(/DELETE \/v1\/environments/, () => ({ type: "environment_deleted" })),
  },
  {
    check: "sessions.create",
    how: "leaves out what is null",
    make: replies(/POST \/v1\/sessions$/, (body) => omit(body, "title")),
  },
  {
    check: "sessions.agent-version",
    how: "names the wrong version",
    make: replies(/POST \/v1\/sessions$/, (body) => ({ ...body, agent: { ...body.agent, version: 7 } })),
  },
  {
    check: "sessions.overrides",
    how: "ignores them",
    make: hears(/POST \/v1\/sessions$/, {
      body: (body) =>
        typeof body.agent === "object" ? { ...body, agent: { type: "agent", id: body.agent.id } } : body,
    }),
  },
  {
    check: "sessions.unknown-parts",
    how: "takes an agent that is not there",
    make: pretends(/POST \/v1\/sessions$/, ({ body }) =>
      body.agent === "agent_unknown" ? { id: "sesn_0", type: "session" } : undefined,
    ),
  },
  {
    check: "sessions.retrieve",
    how: "forgets the title",
    make: replies(/GET \/v1\/sessions\/[^/]+$/, (body) => ({ ...body, title: null })),
  },
  {
    check: "sessions.update",
    how: "replaces metadata",
    make: replies(/POST \/v1\/sessions\/[^/]+$/, (body) => ({ ...body, metadata: { add: "3" } })),
  },
  {
    check: "sessions.initial-events",
    how: "ignores them",
    make: hears(/POST \/v1\/sessions$/, { body: (body) => omit(body, "initial_events") }),
  },
  {
    check: "sessions.initial-events-refused",
    how: "ignores them",
    make: hears(/POST \/v1\/sessions$/, { body: (body) => omit(body, "initial_events") }),
  },
  {
    check: "sessions.metadata-limits",
    how: "has no limit",
    make: hears(/POST \/v1\/sessions$/, { body: (body) => omit(body, "metadata") }),
  },
  {
    check: "sessions.list",
    how: "lists the oldest first",
    make: replies(/GET \/v1\/sessions\?/, (body) => ({ ...body, data: body.data.toReversed() })),
  },
  {
    check: "sessions.pages",
    how: "has a next_page that does not move",
    make: hears(/GET \/v1\/sessions\?/, { line: withoutQuery("page") }),
  },
  {
    check: "sessions.prev-page",
    how: "leads forward only",
    make: replies(/GET \/v1\/sessions\?/, (body) => ({ ...body, prev_page: null })),
  },
  {
    check: "sessions.cursor-order",
    how: "takes a cursor of either order",
    make: answersWith(200, /GET \/v1\/sessions\?/, /400/),
  },
  {
    check: "sessions.order",
    how: "ignores order",
    make: hears(/GET \/v1\/sessions\?/, { line: withoutQuery("order") }),
  },
  {
    check: "sessions.statuses",
    how: "does not read brackets",
    make: hears(/GET \/v1\/sessions\?/, { line: withoutQuery("statuses%5B%5D") }),
  },
  {
    check: "sessions.created-at",
    how: "does not read brackets",
    make: hears(/GET \/v1\/sessions\?/, { line: withoutQuery("created_at%5B\\w+%5D") }),
  },
  {
    check: "files.upload",
    how: "counts characters",
    make: replies(/POST \/v1\/files$/, (body) => ({ ...body, size_bytes: body.size_bytes - 2 })),
  },
  {
    check: "files.list",
    how: "does not read brackets",
    make: hears(/GET \/v1\/files\?/, { line: withoutQuery("ids%5B%5D") }),
  },
  {
    check: "files.retrieve",
    how: "finds nothing",
    make: answersWith(404, /GET \/v1\/files\/[^/?]+$/),
  },
  {
    check: "files.content",
    how: "sends other bytes",
    make: () => async (asked, next) => (asked.line.endsWith("/content") ? new Response("?") : next(asked)),
  },
  {
    check: "files.delete",
    how: "deletes nothing",
    make: pretends(/DELETE \/v1\/files/, () => ({ type: "file_deleted" })),
  },
  {
    check: "resources.at-creation",
    how: "ignores them",
    make: hears(/POST \/v1\/sessions$/, { body: (body) => omit(body, "resources") }),
  },
  {
    check: "resources.add",
    how: "names another type",
    make: replies(/POST .*\/resources$/, (body) => ({ ...body, type: "resource" })),
  },
  {
    check: "resources.remove",
    how: "removes nothing",
    make: pretends(/DELETE .*\/resources/, () => ({ type: "session_resource_deleted" })),
  },
  {
    check: "resources.unknown-file",
    how: "does not look",
    make: hears(/POST \/v1\/sessions$/, { body: (body) => omit(body, "resources") }),
  },
  {
    check: "budgets.kept",
    how: "has amounts as numbers",
    make: replies(/POST \/v1\/sessions$/, (body) => ({
      ...body,
      budget: body.budget && { ...body.budget, max_list_cost: { amount: 500, currency: "USD" } },
    })),
  },
  {
    check: "budgets.only-at-creation",
    how: "does not say why",
    make: refuses(({ line, body }) => /sessions\/./.test(line) && body?.budget !== undefined),
  },
  {
    check: "budgets.changed",
    how: "keeps the old one",
    make: replies(/POST \/v1\/sessions\/[^/]+$/, (body) => ({
      ...body,
      budget: { max_list_cost: { amount: "500" } },
    })),
  },
  {
    check: "work.empty",
    how: "answers a poll with an error",
    make: () => async (asked, next) =>
      asked.line.includes("/work/poll") ? json(errorBody("empty"), 400) : next(asked),
  },
  {
    check: "work.offered",
    how: "has no secret",
    make: replies(/work\/poll/, (body) => body && { ...body, secret: null }),
  },
  {
    check: "work.once",
    how: "offers an item again and again",
    make: () => {
      let item: unknown;
      return async (asked, next) => {
        const response = await next(asked);
        if (!asked.line.includes("/work/poll") || response.status !== 200) return response;
        item = (await response.json()) ?? item ?? null;
        return json(item);
      };
    },
  },
  {
    check: "work.heartbeat",
    how: "takes any heartbeat",
    make: answersWith(200, /heartbeat/, /412/),
  },
  { check: "work.stop", how: "stops an item twice", make: answersWith(200, /stop$/, /409/) },
  {
    check: "work.list",
    how: "lists nothing",
    make: replies(/GET .*\/work$/, (body) => ({ ...body, data: [] })),
  },
];

/** Agents: numbered versions of a definition. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { at, dataOf, hasKeys, isSame, isTime, must, ok, okIfThere, refused, textAt } from "../expect.ts";
import { LOOK_UP } from "../test-client.ts";

/** The checks. */
export const agentChecks: readonly ConformanceCheck[] = checksOf("agents", 1, [
  {
    name: "create",
    title: "gives back a new agent as version 1, every field there",
    why: "Typed clients read fields that are null, but not fields that are missing.",
    async run(client) {
      const made = await client.newAgent({ description: null, metadata: { team: "a" } });
      const { body } = made;
      must(at(body, "type") === "agent", made, 'type "agent"');
      must(at(body, "version") === 1, made, "version 1");
      must(at(body, "model", "id") === client.modelId, made, `model.id ${client.modelId}`);
      must(isSame(at(body, "metadata"), { team: "a" }), made, "the metadata that was sent");
      must(at(body, "tools", 0, "name") === LOOK_UP["name"], made, "the tool that was sent");
      must(isTime(at(body, "created_at")), made, "created_at as a time");
      hasKeys(made, body, ["description", "system", "mcp_servers", "skills", "updated_at", "archived_at"]);
    },
  },
  {
    name: "retrieve",
    title: "gives an agent as it was created",
    why: "A client that finds its agent by id compares it with what it wants.",
    async run(client) {
      const made = await client.newAgent();
      const read = ok(await client.wire.get(`/v1/agents/${textAt(made, "id")}`));
      must(isSame(read.body, made.body), read, `the agent as created: ${made.came}`);
    },
  },
  {
    name: "toolset",
    tier: 2,
    title: "fills in the defaults of a toolset",
    why: "Clients read from them whether a call will ask for permission.",
    async run(client) {
      const made = await client.newAgent({ tools: [{ type: "agent_toolset_20260401" }] });
      const toolset = at(made.body, "tools", 0);
      must(typeof at(toolset, "default_config", "enabled") === "boolean", made, "default_config.enabled");
      must(
        typeof at(toolset, "default_config", "permission_policy", "type") === "string",
        made,
        "default_config.permission_policy.type",
      );
      must(Array.isArray(at(toolset, "configs")), made, "configs, a list");
    },
  },
  {
    name: "update",
    tier: 2,
    title: "makes a new version of an update, leaves alone what was not sent, and patches metadata",
    why: "Deployment scripts change one field and rely on the rest.",
    async run(client) {
      const made = await client.newAgent({ metadata: { keep: "1", drop: "2" } });
      const change = { system: "Changed.", metadata: { drop: null, add: "3" } };
      const changed = okIfThere(await client.wire.post(`/v1/agents/${textAt(made, "id")}`, change));
      must(at(changed.body, "version") === 2, changed, "version 2");
      must(at(changed.body, "system") === "Changed.", changed, "the new system");
      must(at(changed.body, "tools", 0, "name") === LOOK_UP["name"], changed, "the tools as before");
      must(isSame(at(changed.body, "metadata"), { keep: "1", add: "3" }), changed, "patched metadata");
    },
  },
  {
    name: "stale-update",
    tier: 2,
    title: "refuses an update that names an older version with 409, and changes nothing",
    why: "Two deployments at once must not overwrite each other.",
    async run(client) {
      const path = `/v1/agents/${textAt(await client.newAgent(), "id")}`;
      okIfThere(await client.wire.post(path, { system: "Second.", version: 1 }));
      refused(await client.wire.post(path, { system: "Late.", version: 1 }), [409]);
      const read = ok(await client.wire.get(path));
      must(at(read.body, "system") === "Second.", read, "the agent as the update before left it");
    },
  },
  {
    name: "versions",
    tier: 2,
    title: "keeps every version, in a list and by ?version=",
    why: "A session can be made of an older version.",
    async run(client) {
      const path = `/v1/agents/${textAt(await client.newAgent({ system: "First." }), "id")}`;
      okIfThere(await client.wire.post(path, { system: "Second." }));
      const list = okIfThere(await client.wire.get(`${path}/versions`));
      const versions = dataOf(list).map(({ version }) => Number(version));
      must(
        versions.length === 2 && versions.includes(1) && versions.includes(2),
        list,
        "the versions 1 and 2",
      );
      const first = ok(await client.wire.get(`${path}?version=1`));
      must(at(first.body, "system") === "First.", first, "the agent as it was in version 1");
    },
  },
  {
    name: "list",
    tier: 2,
    title: "lists agents",
    why: "Clients find their agent by name or metadata in it.",
    async run(client) {
      const id = textAt(await client.newAgent(), "id");
      const list = okIfThere(await client.wire.get("/v1/agents?limit=100"));
      hasKeys(list, list.body, ["next_page"]);
      must(
        dataOf(list).some((agent) => agent["id"] === id),
        list,
        `${id}, which was just created`,
      );
    },
  },
  {
    name: "archive",
    tier: 2,
    title:
      "archives an agent: out of the list unless include_archived, still readable, good for no new session",
    why: "What was taken out of use must not come back by accident.",
    async run(client) {
      const id = textAt(await client.newAgent(), "id");
      const archived = okIfThere(await client.wire.post(`/v1/agents/${id}/archive`));
      must(isTime(at(archived.body, "archived_at")), archived, "archived_at as a time");
      ok(await client.wire.get(`/v1/agents/${id}`));
      const isIn = async (query: string) => {
        const list = okIfThere(await client.wire.get(`/v1/agents?limit=100${query}`));
        return { list, holds: dataOf(list).some((agent) => agent["id"] === id) };
      };
      const [plain, all] = [await isIn(""), await isIn("&include_archived=true")];
      must(!plain.holds, plain.list, `a list without ${id}`);
      must(all.holds, all.list, `a list with ${id}`);
      refused(await client.trySession({ agent: id }));
    },
  },
  {
    name: "snapshot",
    tier: 2,
    title: "keeps a session on the version of its agent it was created with",
    why: "A deployment must not change what sessions under way do.",
    async run(client) {
      const id = textAt(await client.newAgent({ system: "First." }), "id");
      const session = textAt(await client.newSession({ agent: id }), "id");
      okIfThere(await client.wire.post(`/v1/agents/${id}`, { system: "Second." }));
      const read = ok(await client.wire.get(`/v1/sessions/${session}`));
      must(at(read.body, "agent", "system") === "First.", read, "the agent's system as it was");
      must(at(read.body, "agent", "version") === 1, read, "agent.version 1");
    },
  },
]);

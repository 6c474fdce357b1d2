/** Environments: the places sessions are made in. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { at, dataOf, hasKeys, isSame, isTime, must, ok, okIfThere, refused, textAt } from "../expect.ts";

/** The checks. */
export const environmentChecks: readonly ConformanceCheck[] = checksOf("environments", 1, [
  {
    name: "create",
    title: "creates an environment and gives it back by id, every field there",
    why: "Every session names one.",
    async run(client) {
      const made = await client.newEnvironment({ metadata: { team: "a" } });
      must(at(made.body, "type") === "environment", made, 'type "environment"');
      must(at(made.body, "metadata", "team") === "a", made, "the metadata that was sent");
      hasKeys(made, made.body, ["name", "description", "config", "created_at", "updated_at", "archived_at"]);
      const read = ok(await client.wire.get(`/v1/environments/${textAt(made, "id")}`));
      must(isSame(read.body, made.body), read, `the environment as created: ${made.came}`);
    },
  },
  {
    name: "list",
    tier: 2,
    title: "lists environments",
    why: "Clients find theirs by name in it.",
    async run(client) {
      const id = textAt(await client.newEnvironment(), "id");
      const list = okIfThere(await client.wire.get("/v1/environments?limit=100"));
      hasKeys(list, list.body, ["next_page"]);
      must(
        dataOf(list).some((environment) => environment["id"] === id),
        list,
        `${id}, which was just created`,
      );
    },
  },
  {
    name: "update",
    tier: 2,
    title: "changes what an update names, and nothing else",
    why: "Deployment scripts change one field and rely on the rest.",
    async run(client) {
      const made = await client.newEnvironment();
      const change = { description: "Changed." };
      const changed = okIfThere(await client.wire.post(`/v1/environments/${textAt(made, "id")}`, change));
      must(at(changed.body, "description") === "Changed.", changed, "the new description");
      must(at(changed.body, "name") === at(made.body, "name"), changed, "the name as before");
    },
  },
  {
    name: "archive",
    tier: 2,
    title: "archives an environment, which then is good for no new session",
    why: "What was taken out of use must not come back by accident.",
    async run(client) {
      const id = textAt(await client.newEnvironment(), "id");
      const archived = okIfThere(await client.wire.post(`/v1/environments/${id}/archive`));
      must(isTime(at(archived.body, "archived_at")), archived, "archived_at as a time");
      refused(await client.trySession({ environment_id: id }));
    },
  },
  {
    name: "delete",
    tier: 2,
    title: "deletes an environment, which then is not found",
    why: "Test suites clean up after themselves.",
    async run(client) {
      const path = `/v1/environments/${textAt(await client.newEnvironment(), "id")}`;
      const deleted = okIfThere(await client.wire.delete(path));
      must(at(deleted.body, "type") === "environment_deleted", deleted, 'type "environment_deleted"');
      refused(await client.wire.get(path), [404]);
    },
  },
]);

// Agents, environments and sessions, made, read, listed, changed and ended by each release of the official SDK.

import { describe, expect, it } from "vitest";

import { scripted } from "../server/support.ts";
import { RELEASES } from "./releases.ts";
import { gather, serve } from "./support.ts";

const NO_RETRY = { maxRetries: 0 };

describe.each(RELEASES)("the official SDK $version", (release) => {
  it("makes, reads, changes and archives agents [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { agents } = server.client.beta;
    const made = await agents.create({ name: "one", model: "m", system: "Be brief." });
    expect(await agents.retrieve(made.id)).toEqual(made);

    const changed = await agents.update(made.id, { version: made.version, system: "Be kind." });
    expect(changed).toMatchObject({ id: made.id, version: 2, system: "Be kind.", name: "one" });
    const stale = agents.update(made.id, { version: 1, system: "Be late." }, NO_RETRY);
    await expect(stale).rejects.toBeInstanceOf(release.Anthropic.ConflictError);
    expect(await agents.retrieve(made.id, { version: 1 })).toMatchObject({ system: "Be brief." });
    const versions = await gather(agents.versions.list(made.id, { limit: 1 }));
    expect(versions.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 2]);

    expect(await agents.archive(made.id)).toMatchObject({ archived_at: expect.any(String) });
    expect(await gather(agents.list())).toEqual([]);
    expect(await gather(agents.list({ include_archived: true }))).toHaveLength(1);
  });

  it("walks through the pages of a listing, each item once [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { agents } = server.client.beta;
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.push((await agents.create({ name: `a${n}`, model: "m" })).id);
    const listed = await gather(agents.list({ limit: 2 }));
    expect(listed.map(({ id }) => id).toSorted()).toEqual(made.toSorted());

    const sizes: number[] = [];
    for await (const page of (await agents.list({ limit: 2 })).iterPages()) sizes.push(page.data.length);
    expect(sizes).toEqual([2, 2, 1]);
  });

  it("makes, reads, changes, archives and deletes environments [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { environments } = server.client.beta;
    const made = await environments.create({ name: "dev", config: { type: "self_hosted" } });
    expect(await environments.retrieve(made.id)).toEqual(made);
    expect(await environments.update(made.id, { name: "test" })).toMatchObject({ name: "test" });
    await environments.create({ name: "second" });
    expect(await gather(environments.list({ limit: 1 }))).toHaveLength(2);
    expect(await environments.archive(made.id)).toMatchObject({ archived_at: expect.any(String) });
    expect(await environments.delete(made.id)).toEqual({ id: made.id, type: "environment_deleted" });
    const gone = environments.retrieve(made.id);
    await expect(gone).rejects.toBeInstanceOf(release.Anthropic.NotFoundError);
  });

  it("makes, reads, changes, archives and deletes sessions [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { sessions } = server.client.beta;
    const id = await server.session();
    expect(await sessions.retrieve(id)).toMatchObject({ id, type: "session", status: "idle" });
    const changed = await sessions.update(id, { title: "Orders", metadata: { team: "a" } });
    expect(changed).toMatchObject({ title: "Orders", metadata: { team: "a" } });
    expect(await sessions.archive(id)).toMatchObject({ status: "terminated" });
    expect(await sessions.delete(id)).toEqual({ id, type: "session_deleted" });
    await expect(sessions.retrieve(id)).rejects.toBeInstanceOf(release.Anthropic.NotFoundError);
  });

  it("lists sessions forwards and backwards, in either order [S7-sdk]", async () => {
    await using server = await serve(release, scripted());
    const { sessions } = server.client.beta;
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.push(await server.session());
    const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
    expect(ids(await gather(sessions.list({ limit: 2, order: "asc" })))).toEqual(made);
    expect(ids(await gather(sessions.list({ limit: 2 })))).toEqual(made.toReversed());

    const first = await sessions.list({ limit: 2, order: "asc" });
    const second = await first.getNextPage();
    expect(first.prev_page).toBeNull();
    const back = await sessions.list({ limit: 2, order: "asc", page: second.prev_page ?? "" });
    expect(ids(back.data)).toEqual(ids(first.data));
  });
});

// Versions of an agent at the host: tags that point at them, and pruning, which never takes one that has a tag.

import { defineAgent } from "loophost";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import {
  listVersions,
  provision,
  pruneVersions,
  removeTag,
  resolveTag,
  setTag,
  teardown,
} from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { describe, expect, it } from "vitest";

import { fakeHost } from "./fake-host.ts";

/** So many versions of an agent, the first made first. */
async function withVersions(count: number, name = "sales") {
  const fake = fakeHost();
  const store = memoryStore();
  const handles = [];
  for (let version = 0; version < count; version += 1) {
    const agent = defineAgent({ name, instructions: `Version ${version}.` });
    handles.push(await provision(fake.provider, agent, { store }));
  }
  return { fake, store, handles, provider: fake.provider };
}
const names = (versions: readonly { readonly name: string }[]) => versions.map(({ name }) => name);

describe("a tag", () => {
  it("points at a version, and is moved [A-190]", async () => {
    const { provider, store, handles } = await withVersions(2);
    const [first, second] = handles;
    if (first === undefined || second === undefined) throw new Error("two were made");
    await setTag(provider, "sales:prod", first, { store });
    expect(await resolveTag(provider, "sales:prod", { store })).toEqual(first);
    // The digits of a version do as well as its handle.
    await setTag(provider, "sales:prod", second.name.slice(-8), { store });
    expect(await resolveTag(provider, "sales:prod", { store })).toEqual(second);
    await removeTag(provider, "sales:prod", { store });
    await expect(resolveTag(provider, "sales:prod", { store })).rejects.toMatchObject({
      code: "provision_failed",
    });
  });

  it("never falls back to another: not of another name, kind, host or spelling [A-190] [A-179]", async () => {
    const { provider, store, handles } = await withVersions(1);
    const [handle] = handles;
    if (handle === undefined) throw new Error("one was made");
    await setTag(provider, "sales:prod", handle, { store });
    for (const ref of ["sales:Prod", "sales:pro", "sale:prod", "s:prod", "sales/agent:prod"])
      await expect(resolveTag(provider, ref, { store })).rejects.toMatchObject({ code: "provision_failed" });
    await expect(resolveTag(provider, "sales:x", { store })).rejects.toThrow("It has prod.");
    await expect(resolveTag(provider, "sales:prod", { store, kind: "environment" })).rejects.toThrow(
      "has no tag",
    );
    const elsewhere = fakeHost({ scope: () => "elsewhere" }).provider;
    await expect(resolveTag(elsewhere, "sales:prod", { store })).rejects.toThrow("has no tag");
  });

  it("is refused when it is none, or of what the name does not have [A-190]", async () => {
    const { provider, store, handles } = await withVersions(1);
    const [handle] = handles;
    if (handle === undefined) throw new Error("one was made");
    for (const ref of [
      "sales",
      ":prod",
      "sales:",
      "sales:a b",
      `sales:${"x".repeat(65)}`,
      undefined as never,
    ])
      await expect(resolveTag(provider, ref, { store })).rejects.toMatchObject({ code: "invalid_options" });
    const options = { store };
    await expect(setTag(provider, "service:prod", handle, options)).rejects.toThrow("is no version of");
    await expect(setTag(provider, "sales:prod", "01234567", options)).rejects.toMatchObject({
      code: "provision_failed",
    });
    await expect(setTag(provider, "sales:prod", handle, {} as never)).rejects.toThrow("store must be");
  });

  it("is of names with colons, too", async () => {
    const { provider, store, handles } = await withVersions(1, "team:sales");
    const [handle] = handles;
    if (handle === undefined) throw new Error("one was made");
    await setTag(provider, "team:sales:prod", handle, { store });
    expect(await resolveTag(provider, "team:sales:prod", { store })).toEqual(handle);
  });

  it("goes with its version", async () => {
    const { provider, store, handles } = await withVersions(1);
    const [handle] = handles;
    if (handle === undefined) throw new Error("one was made");
    await setTag(provider, "sales:prod", handle, { store });
    await teardown(provider, handle, { store });
    await expect(resolveTag(provider, "sales:prod", { store })).rejects.toThrow("It has none.");
  });
});

describe("versions", () => {
  it("are listed with their tags, the newest first, and of no other name [A-191]", async () => {
    const { provider, store, handles, fake } = await withVersions(3);
    fake.live.set("sales_team_01234567", { kind: "agent", id: "agent_x", createdAtMs: 99 });
    fake.live.set("sales_0123456", { kind: "agent", id: "agent_y", createdAtMs: 99 });
    const [first] = handles;
    if (first === undefined) throw new Error("three were made");
    await setTag(provider, "sales:prod", first, { store });
    await setTag(provider, "sales:v1", first, { store });
    const versions = await listVersions(provider, "sales", { store });
    expect(names(versions)).toEqual(names(handles.toReversed()));
    expect(versions.map(({ tags }) => tags)).toEqual([[], [], ["prod", "v1"]]);
    expect(await listVersions(provider, "nobody")).toEqual([]);
    expect(await listVersions(local({ model: () => "" }), "sales")).toEqual([]);
  });

  it("of an environment stay that a tagged agent's handle names, and keep its tag [A-191]", async () => {
    await using host = embeddedHost({ model: () => "ok" });
    const { url } = await host.listen({ port: 0 });
    const provider = claude({ baseUrl: url, apiKey: null });
    const store = memoryStore();
    const handles = [];
    for (const name of ["one.example", "two.example", "three.example"]) {
      const agent = defineAgent({ name: "sales", instructions: name, model: "m" });
      const environment = {
        config: { type: "cloud", networking: { type: "limited", allowed_hosts: [name] } },
      };
      handles.push(await provision(provider, agent, { store, environment }));
    }
    const [first] = handles;
    if (first === undefined) throw new Error("three were made");
    await setTag(provider, "sales:prod", first, { store });
    const { pruned, kept } = await pruneVersions(provider, "sales", { store, kind: "environment", keep: 1 });
    expect([pruned.length, kept.length]).toEqual([1, 2]);
    expect(kept.at(-1)).toMatchObject({ ids: { environmentId: first["environmentId"] }, tags: ["prod"] });
    expect(await resolveTag(provider, "sales:prod", { store })).toEqual(first);
  });

  it("are not pruned while a tag cannot be read, which may be theirs", async () => {
    for (const damage of [
      5,
      null,
      { base: "sales", tag: "prod", digest: "ABCDEF01", handle: { name: "x" } },
    ]) {
      const { provider, store, handles, fake } = await withVersions(3);
      const [first] = handles;
      if (first === undefined) throw new Error("three were made");
      await setTag(provider, "sales:prod", first, { store });
      const [tag] = await store.records.list("provision-tags", "", 1);
      await store.records.put("provision-tags", tag?.key ?? "", damage);
      const damaged = { code: "store_damaged" };
      await expect(pruneVersions(provider, "sales", { keep: 1, store })).rejects.toMatchObject(damaged);
      await expect(resolveTag(provider, "sales:prod", { store })).rejects.toMatchObject(damaged);
      expect(fake.released).toEqual([]);
      await setTag(provider, "sales:prod", first, { store });
      expect(await resolveTag(provider, "sales:prod", { store })).toEqual(first);
    }
  });

  it("are pruned but for the newest and those with a tag, the oldest first [A-191]", async () => {
    const { provider, store, handles, fake } = await withVersions(6);
    const [first, second, third, fourth, fifth, sixth] = handles;
    if (!first || !second || !third || !fourth || !fifth || !sixth) throw new Error("six were made");
    await setTag(provider, "sales:prod", second, { store });
    const dry = await pruneVersions(provider, "sales", { keep: 2, store, dryRun: true });
    expect(names(dry.pruned)).toEqual(names([first, third, fourth]));
    expect(fake.released).toEqual([]);
    const { pruned, kept } = await pruneVersions(provider, "sales", { keep: 2, store });
    expect(names(pruned)).toEqual(names(dry.pruned));
    expect(names(kept)).toEqual(names([sixth, fifth, second]));
    expect(fake.released).toEqual([first, third, fourth].map(({ agentId }) => agentId));
    // What went is forgotten: it is made anew.
    expect(await store.records.list("provisions", "", 99)).toHaveLength(3);
    const again = defineAgent({ name: "sales", instructions: "Version 0." });
    expect((await provision(provider, again, { store }))["agentId"]).not.toBe(first["agentId"]);
  });

  it("stay all when keep is not said, or the tags cannot be read [A-191]", async () => {
    const { provider, store, fake } = await withVersions(3);
    for (const keep of [undefined, 0, -1, 1.5, "2", NaN])
      await expect(pruneVersions(provider, "sales", { store, keep: keep as never })).rejects.toThrow(
        "keep must be",
      );
    const broken = {
      ...store,
      records: { ...store.records, list: () => Promise.reject(new Error("disk gone")) },
    };
    await expect(pruneVersions(provider, "sales", { store: broken, keep: 1 })).rejects.toThrow("disk gone");
    expect(fake.released).toEqual([]);
  });

  it("stay from the one on that could not be released, and those that went are named [A-192]", async () => {
    const { provider, store, fake, handles } = await withVersions(4);
    const [first, second] = handles;
    fake.onRelease = (_, id) =>
      id === second?.["agentId"] ? Promise.reject(new Error("in use")) : undefined;
    await expect(pruneVersions(provider, "sales", { keep: 1, store })).rejects.toMatchObject({
      code: "provision_failed",
      message: `${second?.name} could not be pruned: in use. Before it went ${first?.name}.`,
    });
    expect(fake.released).toEqual([first?.["agentId"]]);
    expect(await store.records.list("provisions", "", 99)).toHaveLength(3);
  });

  it("stay when a tag is set while others are pruned", async () => {
    const { provider, store, fake, handles } = await withVersions(3);
    const [first, second] = handles;
    fake.onRelease = async (_, id) => {
      if (id === first?.["agentId"] && second !== undefined)
        await setTag(provider, "sales:late", second, { store });
    };
    const { pruned, kept } = await pruneVersions(provider, "sales", { keep: 1, store });
    expect(names(pruned)).toEqual([first?.name]);
    expect(names(kept)).toContain(second?.name);
  });
});

// The command line over a store in a database.

import { fileURLToPath } from "node:url";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { ownPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import { loophost, modelServer } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

describe.skipIf(whyNoPostgres !== undefined)(`the command line${skipped}`, () => {
  it("keeps sessions in a database, and goes on with them", async () => {
    const server = await ownPostgres();
    onTestFinished(() => server.stop());
    const store = server.url.replace("postgres@", "postgres:secret@");
    await using model = await modelServer({ text: "Hello." }, { text: "Again." });
    const env = { ...model.env, LOOPHOST_STORE: store };
    const none = await loophost(["sessions"], { env });
    expect([none.code, none.stderr]).toEqual([8, expect.stringContaining("loophost store sql")]);
    const first = await loophost(["run", SUPPORT, "hi"], { env });
    expect([first.code, first.stdout]).toEqual([0, "Hello.\n"]);
    const id = /^session (\S+) in postgres:\/\/postgres@localhost/m.exec(first.stderr)?.[1] ?? "none";
    const second = await loophost(["run", SUPPORT, "and now?", "--session", id], { env });
    expect([second.code, second.stdout]).toEqual([0, "Again.\n"]);
    const listed = await loophost(["sessions", "--store", store]);
    expect(listed.stdout).toContain(id);
    expect(none.stderr + first.stderr + second.stderr + listed.stdout).not.toContain("secret");
    const admin = new Client(server.url);
    await admin.connect();
    onTestFinished(() => admin.end());
    // Nothing that a command opened is left.
    const left = "SELECT FROM pg_stat_activity WHERE application_name = 'loophost'";
    await expect.poll(async () => (await admin.query(left)).rowCount).toBe(0);
  });
});

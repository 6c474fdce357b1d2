// The store a command names: what is no address of a database is refused, without a word of its password.

import { expect, it } from "vitest";

import { isInDatabase, openStore } from "../../../src/cli/stored/open-store.ts";
import { withoutPassword } from "../../../src/stores/postgres/pool.ts";

it.each([
  "postgres://app:canary#1@db/app",
  "postgres://app:canary/1@db/app",
  "postgres://app:12#canary@db/app",
  "postgres://app:canary@db:port/app",
  "postgres://app:canary@db:99999/app",
  "Postgres://app:canary@db/app",
  "mysql://app:canary@db/app",
])("refuses %j, and does not repeat it", async (address) => {
  const thrown: unknown = await openStore(address).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: "invalid_options" });
  expect(String(thrown)).toContain("percent-encoded");
  expect(String(thrown)).not.toContain("canary");
  expect(() => isInDatabase(address)).toThrow("percent-encoded");
  expect(withoutPassword(address)).not.toContain("canary");
});

it("tells a database from a file", () => {
  expect(isInDatabase("postgres://app:a%23b@db:5432/app")).toBe(true);
  expect(isInDatabase("postgresql:///app?host=/run/postgresql")).toBe(true);
  for (const file of ["sessions.db", "./a:b/c.db", "C:\\data\\sessions.db", ":memory:"])
    expect(isInDatabase(file)).toBe(false);
});

// A failover to a standby that had not got the last writes: whoever wrote them does not go on as if they were there.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { newSchema, openedStore } from "./schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const LONG = { owner: "the owner", ttlMs: 60_000 };

describe.skipIf(whyNoPostgres !== undefined)(`after a failover${skipped}`, () => {
  it("refuses the writes of an owner whose last entries are gone, and the next owner goes on behind those there are", async () => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const store = openedStore(url, { schema });
    const pool = new Pool({ connectionString: url, max: 1 });
    onTestFinished(() => pool.end());
    const fence = await store.log.claim("s", LONG);
    await store.log.append("s", fence, ["a"]);
    const { rows } = await pool.query(`SELECT last, sum FROM "${schema}".logs WHERE id = 's'`);
    await store.log.append("s", fence, ["lost", "lost"]);
    const [{ last, sum }] = rows;
    await pool.query(`UPDATE "${schema}".logs SET last = $1, sum = $2 WHERE id = 's'`, [last, sum]);
    await pool.query(`DELETE FROM "${schema}".entries WHERE entry = '"lost"'`);
    // All that is under way, and nothing later.
    const appends = [store.log.append("s", fence, ["b"]), store.log.append("s", fence, ["c"])];
    for (const append of [...appends, store.log.append("s", fence, ["d"], { release: true })])
      await expect(append).rejects.toMatchObject({
        code: "store_failed",
        message: expect.stringContaining("entries of it are gone"),
      });
    const next = await store.log.claim("s", { ...LONG, force: true });
    expect(await store.log.append("s", next, ["f"])).toBe(2);
    expect((await store.log.read("s", 0, 10)).map(({ entry }) => entry)).toEqual(["a", "f"]);
  });

  it.each([
    ["that wrote", 1],
    ["that wrote nothing yet", 0],
  ])("refuses an owner %s whose fencing number was given again", async (_, lost) => {
    const { url } = await sharedPostgres();
    const schema = newSchema();
    const [store, rival] = [openedStore(url, { schema }), openedStore(url, { schema })];
    const pool = new Pool({ connectionString: url, max: 1 });
    onTestFinished(() => pool.end());
    await store.log.append("s", await store.log.claim("s", LONG), ["a"], { release: true });
    // What the standby has: neither the next claim, nor what was written under it.
    const [{ last, sum, fence: released }] = (await pool.query(`SELECT * FROM "${schema}".logs`)).rows;
    const fence = await store.log.claim("s", LONG);
    for (let n = 0; n < lost; n += 1) await store.log.append("s", fence, ["lost"]);
    await pool.query(
      `UPDATE "${schema}".logs SET last = $1, sum = $2, fence = $3, lease_until = '-infinity'`,
      [last, sum, released],
    );
    await pool.query(`DELETE FROM "${schema}".entries WHERE entry = '"lost"'`);
    await pool.query("SELECT setval($1, $2, false)", [`${schema}.fences`, fence - 1]);
    expect(await rival.log.claim("s", LONG)).toBe(fence);
    expect(await rival.log.append("s", fence, ["b"])).toBe(2);
    await expect(store.log.append("s", fence, ["late"])).rejects.toMatchObject({
      code: "store_failed",
      message: expect.stringContaining("entries of it are gone"),
    });
    expect(await rival.log.append("s", fence, ["c"])).toBe(3);
    expect((await rival.log.read("s", 0, 10)).map(({ entry }) => entry)).toEqual(["a", "b", "c"]);
  });
});

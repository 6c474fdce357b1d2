// Appends while the database is out of reach: however often they are tried, they are done once it is back.

import { expect, it } from "vitest";

import { Appender } from "../../../src/stores/postgres/append.ts";
import type { Database } from "../../../src/stores/postgres/database.ts";

const REFUSED = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** What comes of an append to a database that is back after so many tries. */
async function appendAfter(failures: number): Promise<number> {
  let left = failures;
  const database = {
    sql: (text: string) => text,
    options: { maxWaitMs: 20_000 },
    once: async (sql: string) => {
      left -= 1;
      if (left >= 0) throw REFUSED;
      return sql.startsWith("SELECT")
        ? [{ id: "s", number: "7", fence: "1", last: "4", sum: "5" }]
        : [{ number: "7" }];
    },
    pauseAfter: async (thrown: unknown) => {
      if (thrown !== REFUSED) throw thrown;
    },
    failed: (thrown: unknown) => thrown,
  } as unknown as Database;
  const appender = new Appender(database);
  appender.note("s", 1, { log: 7, last: 4, sum: 5 });
  return new Promise((resolve, reject) => {
    const append = {
      id: "s",
      fence: 1,
      texts: ["a"],
      records: [],
      takes: [],
      release: false,
      resolve,
      reject,
    };
    appender.write([{ id: "s", fence: 1, appends: [append] }]).catch(reject);
  });
}

it("are done after an outage of any length", async () => {
  const lengths = Array.from({ length: 25 }, (_, failures) => failures);
  expect(await Promise.all(lengths.map(appendAfter))).toEqual(lengths.map(() => 5));
});

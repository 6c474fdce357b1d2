// A bus over a pool whose connections begin to listen when they are let, and break when they are told to.

import { postgresBus } from "loophost/engines/postgres";
import type { Bus } from "loophost/sessions";
import type { PostgresPool } from "loophost/stores/postgres";
import { Pool } from "pg";
import { onTestFinished } from "vitest";

import { sharedPostgres } from "./server.ts";

/** A bus whose LISTEN waits for what it is given, each time. */
export async function listeningWhenLet(
  schema: string,
  mayListen: () => Promise<unknown>,
): Promise<{ readonly bus: Bus; readonly kill: () => Promise<unknown> }> {
  const { url } = await sharedPostgres();
  const pool = new Pool({ connectionString: url });
  let pid: unknown;
  const slow: PostgresPool = {
    query: (text, values) => pool.query(text, values as unknown[]),
    async connect() {
      const client = await pool.connect();
      return {
        query: async (text, values) => {
          if (text.startsWith("LISTEN")) {
            pid = (await client.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;
            await mayListen();
          }
          return client.query(text, values as unknown[]);
        },
        on: (name: string, listener: () => void) => client.on(name as "end", listener),
        release: (isBroken?: boolean) => client.release(isBroken),
      };
    },
  };
  const bus = postgresBus(slow, { schema });
  onTestFinished(() => bus.close().then(() => pool.end()));
  return { bus, kill: () => pool.query("SELECT pg_terminate_backend($1)", [pid]) };
}

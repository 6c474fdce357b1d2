/** `loophost store`: looks after the SQLite file that sessions are kept in, and tells the SQL for a database. */

import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { muteWarnings } from "../node-warnings.ts";
import { isInDatabase, storeFile } from "../stored/open-store.ts";

const HELP = `loophost store looks after the place that sessions are kept in.

Usage
  loophost store check [options]    looks through all of it for damage, and changes nothing
  loophost store vacuum [options]   gives the room of deleted sessions back to the disk
  loophost store sql [options]      prints the SQL that makes the tables in PostgreSQL, for
                                    whoever may run it

Options
  --store <file>  the SQLite file, for check and vacuum. Default: LOOPHOST_STORE
  --schema <name> for sql: the schema of the tables. Default: loophost
  --from <n>      for sql: the version that is there already. Default: 0, none
  --help, -h      this text

check reads every session, entry and record, against the checksums they were written with.
Others may use the store meanwhile.

Examples
  loophost store check --store sessions.db
  LOOPHOST_STORE=sessions.db loophost store vacuum
  loophost store sql | psql "$DATABASE_URL"

${EXIT_CODES_HELP}
`;

/** The command. */
export const storeCommand: Command = {
  help: HELP,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { store: { type: "string" }, schema: { type: "string" }, from: { type: "string" } },
    });
    const [what, ...more] = positionals;
    if (what !== "check" && what !== "vacuum" && what !== "sql")
      throw misuse(
        "loophost store",
        what === undefined
          ? "Say check, vacuum or sql"
          : `There is no "store ${what}", only check, vacuum and sql`,
      );
    if (more.length > 0) throw misuse("loophost store", `"store ${what}" takes no further argument`);
    if (what === "sql") return printSql(values);
    if (values.schema !== undefined || values.from !== undefined)
      throw misuse("loophost store", `--schema and --from are for "store sql"`);
    const file = storeFile(values.store);
    if (file === undefined) throw misuse("loophost store", "No store is named; pass --store <file>");
    if (isInDatabase(file))
      throw misuse("loophost store", `"store ${what}" is for SQLite files; a database has tools of its own`);
    if ((await stat(file).catch(() => undefined)) === undefined)
      throw new LoophostError("store_failed", `There is no store ${file}.`);
    muteWarnings(/^SQLite is an experimental feature/);
    const { checkSqliteStore, vacuumSqliteStore } = await import("../../stores/sqlite/index.ts");
    if (what === "vacuum") {
      await vacuumSqliteStore(file);
      console.error(`${file} has no unused room any more.`);
      return EXIT.ok;
    }
    const { sessions, entries, damage } = await checkSqliteStore(file);
    const looked = `${sessions} sessions with ${entries} entries`;
    if (damage.length === 0) {
      console.log(`${file} is sound: ${looked}.`);
      return EXIT.ok;
    }
    for (const { sessionId, seq, what: found } of damage)
      console.log(`${sessionId ?? "the store"}${seq === undefined ? "" : `, entry ${seq}`}: ${found}`);
    throw new LoophostError(
      "store_damaged",
      `${file} is damaged in ${damage.length} places, of ${looked}. Restore it from a copy; sessions that are not named are sound.`,
    );
  },
};

async function printSql(values: {
  readonly schema?: string | undefined;
  readonly from?: string | undefined;
}): Promise<ExitCode> {
  const from = Number(values.from ?? 0);
  if (!Number.isInteger(from) || from < 0)
    throw misuse("loophost store", "--from is the number of a version");
  const { postgresStoreSql } = await import("../../stores/postgres/index.ts");
  process.stdout.write(postgresStoreSql({ schema: values.schema, from }));
  return EXIT.ok;
}

/** `loophost store`: looks after the SQLite file that sessions are kept in. */

import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { muteWarnings } from "../node-warnings.ts";
import { storeFile } from "../stored/open-store.ts";

const HELP = `loophost store looks after the file that sessions are kept in.

Usage
  loophost store check [options]    looks through all of it for damage, and changes nothing
  loophost store vacuum [options]   gives the room of deleted sessions back to the disk

Options
  --store <file>  the SQLite file. Default: LOOPHOST_STORE
  --help, -h      this text

check reads every session, entry and record, against the checksums they were written with. Others
may use the store meanwhile.

Examples
  loophost store check --store sessions.db
  LOOPHOST_STORE=sessions.db loophost store vacuum

${EXIT_CODES_HELP}
`;

/** The command. */
export const storeCommand: Command = {
  name: "store",
  summary: "look through a store for damage; give back its unused room",
  help: HELP,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { store: { type: "string" } },
    });
    const [what, ...more] = positionals;
    if (what !== "check" && what !== "vacuum")
      throw misuse(
        "loophost store",
        what === undefined ? "Say check or vacuum" : `There is no "store ${what}", only check and vacuum`,
      );
    if (more.length > 0) throw misuse("loophost store", `"store ${what}" takes no further argument`);
    const file = storeFile(values.store);
    if (file === undefined) throw misuse("loophost store", "No store is named; pass --store <file>");
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

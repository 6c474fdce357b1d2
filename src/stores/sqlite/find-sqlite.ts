/**
 * The SQLite of Node, looked up at first use: a static import of `node:sqlite` ends with ERR_UNKNOWN_BUILTIN_MODULE where
 * there is none, before any code of ours could say what to do.
 */

import type * as Sqlite from "node:sqlite";

import { LoophostError } from "../../core/errors.ts";
import { refuseOldNode } from "../../core/old-node.ts";

/** @throws LoophostError `missing_dependency` where there is none */
export function findSqlite(): typeof Sqlite {
  refuseOldNode();
  const sqlite = globalThis.process?.getBuiltinModule?.("node:sqlite");
  if (sqlite !== undefined) return sqlite;
  throw new LoophostError(
    "missing_dependency",
    "A store in a file needs node:sqlite, which this runtime does not have. Use Node 22.13 or newer without --no-experimental-sqlite, or memoryStore().",
  );
}

// Faults that change nothing anybody can see, each with the reason. A line names the fault as the table prints it; one that
// no operator makes any more stops the script: the code has changed, so look again.

const INDEPENDENT = "neither statement reads what the other writes";
const LATER = "who waits goes on in a microtask, after both statements";
const TUNING = "how much, or how long, is tuned and not promised";
const RESET = "a run sets it as it starts, and nothing reads it before";
const CACHE = "what is not in the cache is looked up, and the statement that writes checks it all the same";
const WHICH_FIRST = "when both arguments are wrong, either error is right";

/** File, a part of its line, what stood there, what was put there, and why nobody could tell. */
const EQUIVALENT = [
  ["core/execution/executor.ts", "this.#tools = new Map(", "this.#tools", "this.#places", INDEPENDENT],
  [
    "core/execution/run-tool.ts",
    "cancelTimer();",
    "cancelTimer(); unlink();",
    "unlink(); cancelTimer();",
    INDEPENDENT,
  ],
  [
    "core/journal/call-digest.ts",
    "padded.setUint8(bytes.length, 0x80);",
    "padded.setUint8",
    "padded.setBigUint64",
    INDEPENDENT,
  ],
  [
    "core/journal/open-journal.ts",
    "isDurable: false,",
    "false",
    "true",
    "a journal in memory takes the further entries and keeps nothing of them",
  ],
  [
    "core/journal/ownership.ts",
    "this.#isReleased = true;",
    "this.#isReleased",
    "this.#cancelRenewal",
    INDEPENDENT,
  ],
  ["core/journal/recorded.ts", "this.told.size < MAX_TOLD", "MAX_TOLD", "(MAX_TOLD + 1)", TUNING],
  [
    "core/journal/read-log.ts",
    "yield page;",
    "yield page; after = last;",
    "after = last; yield page;",
    INDEPENDENT,
  ],
  ["core/journal/snapshot.ts", "if (seq < this.#dueAt) return [];", "<", "<=", TUNING],
  ["core/journal/snapshot.ts", "Object.assign(facts,", "Object.assign(facts,", "this.#dueAt = ", INDEPENDENT],
  [
    "core/journal/stored-journal.ts",
    "#last = 0;",
    "0",
    "1",
    "only the distance to the first snapshot reads it before the first write sets it",
  ],
  [
    "core/loop/calls.ts",
    "approved: false,",
    "false",
    "true",
    "of a call that is answered already, and never executed",
  ],
  ["core/loop/state.ts", "turnsBefore: 0,", "0", "1", RESET],
  ["core/loop/state.ts", "guarded: false,", "false", "true", RESET],
  ["core/loop/state.ts", "reprompts: 0,", "0", "1", RESET],
  [
    "core/wire/attached-stream.ts",
    "askedMs = Math.min(error.retryAfterMs",
    "0",
    "1",
    "a millisecond is less than any wait between two attempts",
  ],
  ["sessions/activation.ts", "500 * 2 ** Math.min(attempt, 10)", "2", "3", TUNING],
  [
    "sessions/admission.ts",
    "count(this.#tenants, tenant, -1);",
    "count(this.#tenants",
    "count(this.#agents",
    INDEPENDENT,
  ],
  ["sessions/create.ts", "store.log.read(id, 0, 1)", "1", "2", "only the first of what is read is looked at"],
  ["sessions/follow.ts", "heard.add(word);", "heard.add", "looks.wake", LATER],
  [
    "sessions/deltas.ts",
    "this.#soFar.splice(-1, 1, {",
    "1",
    "2",
    "behind the last of a list there is nothing",
  ],
  ["sessions/in-process.ts", "this.#timers.delete(id);", "this.#timers.delete", "this.#begin", INDEPENDENT],
  ["sessions/in-process.ts", "Math.max(0, ms)", "0", "1", TUNING],
  ["sessions/index.ts", "await engine.close();", "await engine.close", "await bus.close", INDEPENDENT],
  ["sessions/looks.ts", "this.#isDue = true;", "this.#isDue", "this.#resolve", LATER],
  ["sessions/options.ts", "context: 1,", "1", "2", "only the names are looked at"],
  ["sessions/options.ts", "accepts: 1,", "1", "2", "only the names are looked at"],
  ["sessions/pauses.ts", "MIN_QUIET_MS + 2 * this.#pauses.size", "2", "3", TUNING],
  ["sessions/pauses.ts", "if (now < at + REMEMBER_MS) break;", "<", "<=", TUNING],
  [
    "sessions/result.ts",
    "let after = 0;",
    "0",
    "1",
    "the first entry says whose the session is, which is no part of a result",
  ],
  ["sessions/result.ts", "fold.apply(asEntry(entry));", "fold.apply", "after = seq", INDEPENDENT],
  ["sessions/sweep-lease.ts", "#renewedAt = 0;", "0", "1", "the claim sets it before it is read"],
  ["sessions/sweep.ts", "const RUNNING_EVERY = 5;", "5", "6", TUNING],
  [
    "sessions/words.ts",
    "const delta = { ...event, type, text };",
    "text",
    "...{}",
    "the event has that text itself",
  ],
  ["sessions/worker.ts", "if (afterMs > 0) return", "0", "1", TUNING],
  [
    "stores/file.ts",
    "await file.writeFile(text);",
    "await file.writeFile",
    "await file.sync",
    "differs only after a power cut, which a test cannot make",
  ],
  ["stores/postgres/append.ts", "for (let looks = 0; attempts.length > 0; looks += 1)", "1", "2", TUNING],
  [
    "stores/postgres/append.ts",
    "if (after !== undefined && !letsGo(chain))",
    "!letsGo(chain)",
    "letsGo(chain)",
    CACHE,
  ],
  ["stores/postgres/append.ts", "this.forget(chain.id);", "this.forget(chain.id);", ";", CACHE],
  ["stores/postgres/database.ts", "const MAX_TIMER_MS = 2 ** 31 - 1;", "1", "2", TUNING],
  ["stores/postgres/direct.ts", "isBroken = true;", "isBroken", "this.abandon", INDEPENDENT],
  ["stores/postgres/engine/bus.ts", "Buffer.byteLength(text) <= MAX_BYTES", "<=", "<", TUNING],
  [
    "stores/postgres/engine/bus.ts",
    "listeners.clear();",
    "listeners.clear",
    "await notices.flush",
    "while a bus is being closed, whoever listens may hear or not",
  ],
  [
    "stores/postgres/engine/notices.ts",
    "if (texts.length > 0)",
    ">",
    ">=",
    "a statement without texts tells nobody anything",
  ],
  [
    "stores/postgres/engine/notices.ts",
    "schema.slice(0, 40)",
    "40",
    "41",
    "schemas that share a channel look once more than they need to",
  ],
  [
    "stores/postgres/engine/notices.ts",
    "this.#waiting.add(text);",
    "this.#waiting.add",
    "this.#timer",
    INDEPENDENT,
  ],
  ["stores/postgres/index.ts", "callTimeoutMs: 2 * (options.maxWaitMs", "2", "3", TUNING],
  ["stores/postgres/index.ts", "worker?.close();", "worker?.close", "await direct.close", INDEPENDENT],
  ["stores/postgres/log.ts", "keepable(id);", "keepable(id);", "refuseIfNone(id, fence);", WHICH_FIRST],
  [
    "stores/postgres/open.ts",
    "await makePool(directUrl, 1, maxWaitMs)",
    "1",
    "2",
    "one connection is taken, however many there may be",
  ],
  ["stores/postgres/patience.ts", "this.#pauseMs > this.#giveUpAt", ">", ">=", TUNING],
  ["stores/postgres/patience.ts", "(0.5 + Math.random() / 2)", "2", "3", TUNING],
  [
    "stores/postgres/patience.ts",
    "(0.5 + Math.random() / 2)",
    "await setTimeout(",
    "this.#pauseMs = ",
    TUNING,
  ],
  [
    "stores/postgres/pool.ts",
    "keepAlive: true,",
    "true",
    "false",
    "differs after hours of silence, for which a test cannot wait",
  ],
  [
    "stores/postgres/queue.ts",
    "this.#isScheduled = false;",
    "this.#isScheduled",
    "this.#begin",
    "what begins puts nothing into the queue before it returns",
  ],
  ["stores/postgres/renewals.ts", "this.#database = database;", "this.#database", "this.#sql", INDEPENDENT],
  [
    "stores/postgres/schema.ts",
    "if (from < migrations.length)",
    "<",
    "<=",
    "without a step the SQL changes nothing",
  ],
  ["stores/postgres/worker.ts", "return this.#number ?? 0;", "0", "1", "it has a number by then"],
  ["stores/postgres/worker.ts", "this.#class = lockClass(", "this.#class", "this.#enrolSql", INDEPENDENT],
  ["stores/memory.ts", "log.lease = {", "log.lease", "logs.set", INDEPENDENT],
  ["stores/sessions.ts", "checkStore(store,", "checkStore(store", "checkId(", WHICH_FIRST],
  [
    "stores/sqlite/add-checksums.ts",
    "for (let [log, seq] = [0, 0]",
    "0",
    "1",
    "logs and entries are numbered from 1, and what comes after (1, 0) is what comes after (0, 0)",
  ],
  [
    "stores/postgres/direct.ts",
    "for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {",
    "2",
    "3",
    TUNING,
  ],
  ["stores/sqlite/check.ts", "const MAX_STEP_MS = 5;", "5", "6", TUNING],
  [
    "stores/sqlite/check.ts",
    "await contained(() => {",
    "await contained",
    "await contained",
    "damage may be listed in any order",
  ],
  [
    "stores/sqlite/connection.ts",
    "this.#turnAt > MAX_READING_MS",
    "MAX_READING_MS",
    "(MAX_READING_MS + 1)",
    TUNING,
  ],
  [
    "stores/sqlite/find-sqlite.ts",
    "refuseOldNode();",
    "refuseOldNode();",
    ";",
    "tests run on a Node that has node:sqlite; `npm run smoke:runtimes` meets the older ones",
  ],
  [
    "stores/sqlite/holder.ts",
    'world: started === "" && isHidden(pid)',
    "===",
    "!==",
    "differs only where /proc hides the processes of others, which a test cannot mount",
  ],
  ["stores/sqlite/inbox.ts", "next.get()?.n ?? 1;", "1", "2", "the query always gives a row"],
  ["stores/sqlite/index.ts", "checkOptions<SqliteStoreOptions>(", "checkOptions", "checkSome", WHICH_FIRST],
  ["stores/sqlite/log.ts", "erase.run(log.number);", "erase.run(", "empty(id);", INDEPENDENT],
  [
    "stores/sqlite/tail.ts",
    'slot.write(storeId, "hex");',
    "slot.write(",
    "slot.writeBigUInt64LE",
    INDEPENDENT,
  ],
];

/** Why faults are equivalent, by their ids; throws for a line that names none. */
export function equivalents(faults) {
  const reasons = new Map();
  for (const [file, at, was, is, why] of EQUIVALENT) {
    const found = faults.filter(
      (fault) =>
        fault.file === `src/${file}` &&
        fault.at.includes(at) &&
        fault.was.startsWith(was) &&
        fault.is.startsWith(is) &&
        // A short word would name too much: it has to be the whole of it.
        (was.length > 12 || fault.was === was || fault.operator === "swapped"),
    );
    if (found.length === 0)
      throw new Error(`scripts/mutants/equivalent.mjs: ${file} has no "${was}" -> "${is}" in "${at}"`);
    for (const { id } of found) reasons.set(id, why);
  }
  return reasons;
}

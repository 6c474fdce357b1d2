// Faults that change nothing anybody can see, by the reason. A line names the fault as the table prints it; one that no operator
// makes any more fails the run: the code has changed, so look again.

/** Why nobody could tell; and of each such fault its file, a part of its line, what stood there and what was put there. */
const EQUIVALENT = {
  "neither statement reads what the other writes": [
    ["core/execution/executor.ts", "this.#tools = new Map(", "this.#tools", "this.#places"],
    ["core/execution/run-tool.ts", "cancelTimer();", "cancelTimer(); unlink();", "unlink(); cancelTimer();"],
    [
      "core/journal/sha256.ts",
      "padded.setUint8(bytes.length, 0x80);",
      "padded.setUint8",
      "padded.setBigUint64",
    ],
    ["core/journal/ownership.ts", "this.#isReleased = true;", "this.#isReleased", "this.#cancelRenewal"],
    ["core/journal/read-log.ts", "yield page;", "yield page; after = last;", "after = last; yield page;"],
    ["core/journal/snapshot.ts", "Object.assign(facts,", "Object.assign(facts,", "this.#dueAt = "],
    [
      "sessions/admission.ts",
      "count(this.#tenants, tenant, -1);",
      "count(this.#tenants",
      "count(this.#agents",
    ],
    ["sessions/in-process.ts", "this.#timers.delete(id);", "this.#timers.delete", "this.#begin"],
    ["sessions/index.ts", "await engine.close();", "await engine.close", "await bus.close"],
    ["sessions/result.ts", "fold.apply(toFold(entry));", "fold.apply", "after = seq"],
    ["stores/postgres/direct.ts", "isBroken = true;", "isBroken", "this.abandon"],
    ["stores/postgres/engine/notices.ts", "this.#waiting = new Set();", "this.#waiting", "this.#saying"],
    [
      "stores/postgres/engine/engine.ts",
      "await this.#direct.close();",
      "await this.#direct",
      "await this.#database",
    ],
    ["stores/postgres/engine/engine.ts", "this.#limits = limits;", "this.#limits", "this.#wakes"],
    ["stores/postgres/engine/picking-worker.ts", "this.#timer = setInterval(", "this.#timer", "this.#poll"],
    ["stores/postgres/index.ts", "worker?.close();", "worker?.close", "await direct.close"],
    ["stores/postgres/renewals.ts", "this.#database = database;", "this.#database", "this.#sql"],
    ["stores/postgres/worker.ts", "this.#enrolSql = database", "this.#enrolSql", "this.#renewSql"],
    ["stores/memory.ts", "log.lease = {", "log.lease", "logs.set"],
    ["stores/page.ts", "page.push(item);", "page.push(item);", "chars += "],
    ["stores/sessions.ts", "found.push(...page.flatMap(", "found.push(", "place = page"],
    ["stores/sqlite/log.ts", "erase.run(log.number);", "erase.run(", "empty(id);"],
    ["stores/sqlite/tail.ts", 'slot.write(storeId, "hex");', "slot.write(", "slot.writeBigUInt64LE"],
  ],
  "a journal in memory takes the further entries and keeps nothing of them": [
    ["core/journal/open-journal.ts", "isDurable: false,", "false", "true"],
  ],
  "how much, or how long, is tuned and not promised": [
    ["core/journal/recorded.ts", "this.told.size < MAX_TOLD", "MAX_TOLD", "(MAX_TOLD + 1)"],
    ["core/journal/snapshot.ts", "if (seq < this.#dueAt) return [];", "<", "<="],
    ["sessions/activation.ts", "500 * 2 ** Math.min(attempt, 10)", "2", "3"],
    ["sessions/in-process.ts", "Math.max(0, ms)", "0", "1"],
    ["sessions/pauses.ts", "MIN_QUIET_MS + 2 * this.#pauses.size", "2", "3"],
    ["sessions/pauses.ts", "if (now < at + REMEMBER_MS) break;", "<", "<="],
    ["sessions/sweep.ts", "const RUNNING_EVERY = 5;", "5", "6"],
    ["sessions/sweep.ts", "const every = this.#lease === undefined", "===", "!=="],
    ["sessions/worker.ts", "if (afterMs > 0) return", "0", "1"],
    ["stores/postgres/append.ts", "for (let looks = 0; attempts.length > 0; looks += 1)", "1", "2"],
    ["stores/postgres/database.ts", "const MAX_TIMER_MS = 2 ** 31 - 1;", "1", "2"],
    ["stores/postgres/engine/bus.ts", "Buffer.byteLength(text) <= MAX_BYTES", "<=", "<"],
    ["stores/postgres/engine/notices.ts", "this.#waiting.size >= MAX_WAITING", ">=", ">"],
    ["stores/postgres/index.ts", "callTimeoutMs: 2 * (options.maxWaitMs", "2", "3"],
    ["stores/postgres/patience.ts", "this.#pauseMs > this.#giveUpAt", ">", ">="],
    ["stores/postgres/patience.ts", "(0.5 + Math.random() / 2)", "2", "3"],
    ["stores/postgres/patience.ts", "(0.5 + Math.random() / 2)", "await setTimeout(", "this.#pauseMs = "],
    [
      "stores/postgres/direct.ts",
      "for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {",
      "2",
      "3",
    ],
    ["stores/file.ts", "const MAX_LINKS = 40;", "40", "41"],
    ["stores/page.ts", "let chars = 0;", "0", "1"],
    ["stores/sqlite/index.ts", "callTimeoutMs: 2 * maxWaitMs", "2", "3"],
    ["stores/sqlite/check.ts", "const MAX_STEP_MS = 5;", "5", "6"],
    [
      "stores/sqlite/connection.ts",
      "this.#turnAt > MAX_READING_MS",
      "MAX_READING_MS",
      "(MAX_READING_MS + 1)",
    ],
  ],
  "only the distance to the first snapshot reads it before the first write sets it": [
    ["core/journal/stored-journal.ts", "#last = 0;", "0", "1"],
  ],
  "of a call that is answered already, and never executed": [
    ["core/loop/calls.ts", "approved: false,", "false", "true"],
  ],
  "a run sets it as it starts, and nothing reads it before": [
    ["core/loop/state.ts", "turnsBefore: 0,", "0", "1"],
    ["core/loop/state.ts", "guarded: false,", "false", "true"],
    ["core/loop/state.ts", "reprompts: 0,", "0", "1"],
  ],
  "a millisecond is less than any wait between two attempts": [
    ["core/wire/attached-stream.ts", "askedMs = Math.min(error.retryAfterMs", "0", "1"],
  ],
  "only the first of what is read is looked at": [
    ["sessions/create.ts", "store.log.read(id, 0, 1)", "1", "2"],
  ],
  "who waits goes on in a microtask, after both statements": [
    ["sessions/follow.ts", "heard.add(word);", "heard.add", "looks.wake"],
    ["sessions/looks.ts", "this.#isDue = true;", "this.#isDue", "this.#resolve"],
  ],
  "behind the last of a list there is nothing": [
    ["sessions/deltas.ts", "this.#soFar.splice(-1, 1, {", "1", "2"],
  ],
  "only the names are looked at": [
    ["sessions/options.ts", "context: 1,", "1", "2"],
    ["sessions/options.ts", "accepts: 1,", "1", "2"],
  ],
  "the first entry says whose the session is, which is no part of a result": [
    ["sessions/result.ts", "let after = 0;", "0", "1"],
  ],
  "the claim sets it before it is read": [["sessions/sweep-lease.ts", "#renewedAt = 0;", "0", "1"]],
  "the event has that text itself": [
    ["sessions/words.ts", "const delta = { ...event, type, text };", "text", "...{}"],
  ],
  "differs only after a power cut, which a test cannot make": [
    ["stores/file.ts", "await file.writeFile(text);", "await file.writeFile", "await file.sync"],
  ],
  "what is not in the cache is looked up, and the statement that writes checks it all the same": [
    [
      "stores/postgres/append.ts",
      "if (after !== undefined && !letsGo(chain))",
      "!letsGo(chain)",
      "letsGo(chain)",
    ],
    ["stores/postgres/append.ts", "this.forget(chain.id);", "this.forget(chain.id);", ";"],
  ],
  "while a bus is being closed, whoever listens may hear or not": [
    ["stores/postgres/engine/bus.ts", "listeners.clear();", "listeners.clear", "await notices.flush"],
  ],
  "schemas that share a channel look once more than they need to": [
    ["stores/postgres/engine/notices.ts", "schema.slice(0, 40)", "40", "41"],
  ],
  "when both arguments are wrong, either error is right": [
    ["stores/postgres/log.ts", "keepable(id);", "keepable(id);", "refuseIfNone(id, fence);"],
    ["stores/sessions.ts", "checkStore(store,", "checkStore(store", "checkId("],
    ["stores/sqlite/index.ts", "checkOptions<SqliteStoreOptions>(", "checkOptions", "checkSome"],
  ],
  "one connection is taken, however many there may be": [
    ["stores/postgres/open.ts", "await makePool(directUrl, 1, maxWaitMs)", "1", "2"],
  ],
  "differs after hours of silence, for which a test cannot wait": [
    ["stores/postgres/pool.ts", "keepAlive: true,", "true", "false"],
  ],
  "what begins puts nothing into the queue before it returns": [
    ["stores/postgres/queue.ts", "this.#isScheduled = false;", "this.#isScheduled", "this.#begin"],
  ],
  "the end of the other statement begins the next one": [
    ["stores/postgres/batch.ts", "this.#statements -= 1;", "this.#statements", "this.#schedule"],
  ],
  "a grace of five seconds begins one statement sooner": [
    ["stores/postgres/worker.ts", "await this.#renew(client);", "await this.#renew", "this.#againAt"],
  ],
  "without a step the SQL changes nothing": [
    ["stores/postgres/schema.ts", "if (from < migrations.length)", "<", "<="],
  ],
  "it has a number by then": [["stores/postgres/worker.ts", "return this.#number ?? 0;", "0", "1"]],
  "logs and entries are numbered from 1, and what comes after (1, 0) is what comes after (0, 0)": [
    ["stores/sqlite/add-checksums.ts", "for (let [log, seq] = [0, 0]", "0", "1"],
  ],
  "damage may be listed in any order": [
    ["stores/sqlite/check.ts", "await contained(() => {", "await contained", "await contained"],
  ],
  "tests run on a Node that has node:sqlite; `npm run smoke:runtimes` meets the older ones": [
    ["stores/sqlite/find-sqlite.ts", "refuseOldNode();", "refuseOldNode();", ";"],
  ],
  "differs only where /proc hides the processes of others, which a test cannot mount": [
    ["stores/sqlite/holder.ts", 'world: started === "" && isHidden(pid)', "===", "!=="],
  ],
  "a worker that is told too often finds nothing to pick": [
    ["stores/postgres/engine/engine.ts", "if (at !== null) return;", "if (at !== null) return;", ";"],
  ],
  "deltas of a session that is not open yet are void": [
    ["sessions/activation.ts", "this.#session?.told ?? 0", "0", "1"],
  ],
  "a comparison tells which comes first, and not by how much": [
    ["core/journal/call-digest.ts", "(a < b ? -1 : 1)", "1", "2"],
  ],
  "a version is raised when what it names changes; which number it is says nothing": [
    ["core/journal/entry.ts", "export const FOLD = 2;", "2", "3"],
  ],
  "tests run where there is nothing to wait for; `npm run smoke:runtimes` meets the other runtimes": [
    ["core/journal/open-journal.ts", "await loadDigest();", "await loadDigest()", "(loadDigest())"],
  ],
  "the query always gives a row": [["stores/sqlite/inbox.ts", "next.get()?.n ?? 1;", "1", "2"]],
};

/** Why faults are equivalent, by their ids; and what lines name none. */
export function equivalents(faults) {
  const reasons = new Map();
  const stale = [];
  const lines = Object.entries(EQUIVALENT).flatMap(([why, rows]) => rows.map((row) => [why, ...row]));
  for (const [why, file, at, was, is] of lines) {
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
      stale.push(`scripts/mutants/equivalent.mjs: ${file} has no "${was}" -> "${is}" in "${at}"`);
    for (const { id } of found) reasons.set(id, why);
  }
  return { reasons, stale };
}

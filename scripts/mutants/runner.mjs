// The tests of a copy of the tree, in a process that lives for many faults: vitest's start, its transforms and PostgreSQL are paid
// for once. Told of a file that has changed and of tests, it answers with the first that fails, and runs none after it.

import { on } from "node:events";
import { resolve } from "node:path";

import { createVitest } from "vitest/node";

/** The order in which they were named: what is likely to fail comes first. */
class AsNamed {
  sort = (specifications) => specifications;
  shard = (specifications) => specifications;
}

/** A test that neither ends nor begins for so long has blocked its process, so that no timeout of its own can end it. */
const STUCK_MS = 25_000;

let failure;
/** The file that was spoilt last: it is whole again, and vite has to be told of that, too. */
let spoilt = "";
/** What ends test files that are stuck. */
const timers = new Map();

const reporter = {
  onTestModuleQueued: (module) => goesOn(module, ""),
  onTestCaseReady: ({ module, fullName }) => goesOn(module, fullName),
  onTestCaseResult(test) {
    goesOn(test.module, "");
    const { state, errors } = test.result();
    if (state === "failed") noteFailure(test.module.relativeModuleId, test.fullName, errors);
  },
  onTestModuleEnd(module) {
    clearTimeout(timers.get(module.id));
    noteFailure(module.relativeModuleId, "", module.errors());
  },
};

const vitest = await createVitest("test", {
  watch: false,
  include: ["test/**/*.test.ts"],
  exclude: ["**/node_modules/**"],
  testTimeout: 6_000,
  reporters: [reporter],
  sequence: { sequencer: AsNamed },
});
await vitest.standalone();
const project = vitest.getRootProject();

function goesOn({ id, relativeModuleId }, fullName) {
  clearTimeout(timers.get(id));
  const giveUp = () => {
    noteFailure(relativeModuleId, fullName, [{ message: `timed out: stuck for ${STUCK_MS / 1000} s` }]);
    process.send({ failure, isStuck: true });
  };
  timers.set(id, setTimeout(giveUp, STUCK_MS));
}

/** Keeps the first failure, and lets what runs beside it end soon. */
function noteFailure(file, fullName, [error]) {
  if (!error || failure) return;
  failure = { file, fullName, message: error.message ?? String(error) };
  // How the run ends is told by the run itself.
  vitest.cancelCurrentRun("test-failure").catch(() => undefined);
}

for await (const [{ changed, tests, fullName }] of on(process, "message")) {
  failure = undefined;
  for (const file of [spoilt, changed]) vitest.invalidateFile(resolve(file));
  spoilt = changed;
  vitest.state.filesMap.clear();
  const only = fullName ? { testNames: [fullName] } : undefined;
  const { unhandledErrors } = await vitest.runTestSpecifications(
    tests.map((test) => project.createSpecification(resolve(test), only)),
  );
  for (const timer of timers.values()) clearTimeout(timer);
  noteFailure(tests[0], "", unhandledErrors);
  process.send({ failure });
}

import { fileURLToPath } from "node:url";

import { defineConfig, type ViteUserConfigFnObject } from "vitest/config";

import { RequirementsReporter } from "./test/support/requirements-reporter.ts";

// `npm test` leaves out what takes seconds a file: `npm run test:long` (--mode long) runs just that, and CI runs both.
const LONG = "test/**/*.long.test.ts";

const config: ViteUserConfigFnObject = defineConfig(({ mode }) => ({
  // "loophost" means src/ here, as in tsconfig.json: no build before a test.
  resolve: { conditions: ["loophost:source"] },
  ssr: { resolve: { conditions: ["loophost:source"] } },
  test: {
    include: [mode === "long" ? LONG : "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...(mode === "long" ? [] : [LONG])],
    // Processes, not threads: a test may kill or load a native module without hurting the others. The files of one share it
    // and its modules, which halves the time; what one of them leaves behind fails it (test/support/leave-nothing.ts).
    pool: "forks",
    maxWorkers: 2,
    isolate: mode === "long",
    setupFiles: ["test/support/leave-nothing.ts"],
    // These end what hangs; they measure nothing. A busy machine takes its time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 45_000, interval: 10 } },
    // Programs that tests start need not compile what others before them have.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile/", import.meta.url)) },
    passWithNoTests: false,
    reporters: ["default", new RequirementsReporter()],
  },
}));

export default config;

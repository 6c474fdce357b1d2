import { fileURLToPath } from "node:url";

import { defineConfig, type ViteUserConfig } from "vitest/config";

import { RequirementsReporter } from "./test/support/requirements-reporter.ts";

const config: ViteUserConfig = defineConfig({
  // "loophost" means src/ here, as in tsconfig.json: no build before a test.
  resolve: { conditions: ["loophost:source"] },
  ssr: { resolve: { conditions: ["loophost:source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    // Processes, not threads: a test may kill, change folder or load a native module without hurting the next.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    // Programs that tests start need not compile what others before them have.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile/", import.meta.url)) },
    passWithNoTests: false,
    reporters: ["default", new RequirementsReporter()],
  },
});

export default config;

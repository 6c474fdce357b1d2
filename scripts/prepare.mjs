// `prepare`, which npm runs for packages that come from git or a folder: builds dist/ where there is none. Without it
// the import of such a package ends in "Cannot find module …/dist/index.js". What is packed or published is built anew, or a
// clone that was updated would pack the stale dist/ of the version before.
//
// A folder's own tools are not installed for whom it is linked into, so they are fetched first, without their scripts.
// It fails as a whole, and npm's install with it, rather than leave a package behind that has nothing to import.

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = `${ROOT}node_modules/typescript/bin/tsc`;
const FETCHING = "LOOPHOST_FETCHING_TOOLS";

const isPacked = ["pack", "publish"].includes(process.env["npm_command"]);
// `npm ci` of a clone runs this too: there, programs and tests run the source.
const isNeeded = (isPacked || !existsSync(`${ROOT}dist/index.js`)) && process.env[FETCHING] === undefined;
if (isNeeded) {
  rmSync(`${ROOT}dist`, { recursive: true, force: true });
  if (!existsSync(TSC)) call("npm", ["ci", "--ignore-scripts", "--loglevel=error"]);
  call(process.execPath, [TSC, "-p", "tsconfig.build.json"]);
}

function call(file, args) {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, [FETCHING]: "1" },
  });
  if (status === 0) return;
  console.error(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}
loophost could not be built here: "${[file, ...args].join(" ")}" failed.
The way out: in the folder of loophost run "npm ci && npm run build", then install that folder or its "npm pack".`);
  process.exit(1);
}

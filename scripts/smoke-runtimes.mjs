// `npm run smoke:runtimes`: runs the built package on every runtime we say it runs on. All of them come as npm
// packages, pinned here; each gets a folder of its own under .runtimes/, so none of them meets our tools.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RUNTIMES = [
  { name: "node-22", package: "node", version: "22.23.3", run: ["node"] },
  { name: "node-24", package: "node", version: "24.21.0", run: ["node"] },
  { name: "node-26", package: "node", version: "26.10.0", run: ["node"] },
  { name: "bun", package: "bun", version: "1.4.5", run: ["bun", "run"] },
  { name: "deno", package: "deno", version: "2.9.6", run: ["deno", "run", "--allow-all"] },
];
const PROGRAM = fileURLToPath(new URL("../test/package/smoke.mjs", import.meta.url));
const RUN_TIMEOUT_MS = 60_000;

const rows = RUNTIMES.map(tryOut);
console.table(Object.fromEntries(rows.map(({ runtime, ...row }) => [runtime, row])));
process.exitCode = rows.every((row) => row.ok) ? 0 : 1;

function tryOut(runtime) {
  const folder = install(runtime);
  const [binary, ...args] = runtime.run;
  const executable = `${folder}/node_modules/.bin/${binary}`;
  const version = call(executable, ["--version"]).stdout?.match(/\d+\.\d+\.\d+/)?.[0] ?? "none";
  const started = performance.now();
  const { status, stdout, stderr, error } = call(executable, [...args, PROGRAM]);
  const ms = Math.round(performance.now() - started);
  // A runtime that is not the one we asked for proves nothing, however green.
  const ok = status === 0 && version === runtime.version;
  if (!ok)
    console.error(`${runtime.name} ${version}:\n${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`);
  return { runtime: runtime.name, version, ok, ms };
}

function install({ name, package: packageName, version }) {
  const folder = fileURLToPath(new URL(`../.runtimes/${name}`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  // These packages fetch their binary in an install script, which newer npm runs only with a written consent.
  const manifest = {
    private: true,
    dependencies: { [packageName]: version },
    allowScripts: { [packageName]: true },
  };
  writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
  const npm = call("npm", ["install", "--prefix", folder, "--no-package-lock", "--loglevel=error"]);
  if (npm.status !== 0) console.error(`${name}: npm install failed\n${npm.stderr}`);
  return folder;
}

function call(file, args) {
  return spawnSync(file, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: RUN_TIMEOUT_MS,
  });
}

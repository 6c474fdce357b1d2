// The package as it would be published, in folders where nothing else is: for scripts that try it.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TIMEOUT_MS = 180_000;

/** A folder of its own, with a HOME and an npm cache that hold nothing of this machine's. */
export function emptyPlace(name) {
  const place = mkdtempSync(join(tmpdir(), `loophost-${name}-`));
  for (const folder of ["home", "cache", "here"]) mkdirSync(join(place, folder));
  return place;
}

/** What programs there see: no key and no setting of ours; how the network is reached stays as it is. */
export function surroundings(place, path = process.env.PATH) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(ANTHROPIC|OPENAI|AWS|LOOPHOST|NODE_OPTIONS|npm_(?!config_registry))/.test(name),
  );
  const own = {
    PATH: path,
    HOME: join(place, "home"),
    npm_config_cache: join(place, "cache"),
    NO_COLOR: "1",
  };
  return { ...Object.fromEntries(kept), ...own };
}

/** Builds and packs; gives the path of the tarball. */
export function pack(place) {
  must(call("npm", ["run", "-s", "build"], { cwd: ROOT, env: process.env }), "the build");
  const packed = call("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", place], {
    cwd: ROOT,
    env: process.env,
  });
  must(packed, "npm pack");
  const told = JSON.parse(packed.stdout);
  const [{ filename }] = Array.isArray(told) ? told : Object.values(told);
  return join(place, filename);
}

/** A Node of some version, by the npm package of that name; gives the folder its binary is in. */
export function nodeOf(version) {
  const folder = join(ROOT, ".runtimes", `node-${version}`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { node: version }, allowScripts: { node: true } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  must(call("npm", ["install", "--no-package-lock"], { cwd: folder, env: process.env }), `node ${version}`);
  return join(folder, "node_modules", ".bin");
}

/** Runs a program to its end. */
export function call(file, args, { cwd, env }) {
  const options = { cwd, env, encoding: "utf8", timeout: TIMEOUT_MS, stdio: ["ignore", "pipe", "pipe"] };
  const { status, stdout, stderr, error } = spawnSync(file, args, options);
  return { status, stdout: stdout ?? "", stderr: `${stderr ?? ""}${error?.message ?? ""}` };
}

/** Starts a program that goes on; `saw` resolves once it has said something, `stop` ends it and what it started. */
export function start(command, { cwd, env }) {
  const child = spawn("sh", ["-c", command], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const saw = async (isThere) => {
    const giveUpAt = Date.now() + TIMEOUT_MS;
    while (!isThere(said) && child.exitCode === null && Date.now() < giveUpAt)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return said;
  };
  const { pid } = child;
  return { saw, stop: () => pid !== undefined && child.exitCode === null && process.kill(-pid, "SIGKILL") };
}

function must({ status, stdout, stderr }, what) {
  if (status !== 0) throw new Error(`${what} failed:\n${stdout}${stderr}`);
}

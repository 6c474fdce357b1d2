// Runs a command with the project's own tools, installing them first when they are missing or out of date:
//
//   node scripts/with-setup.mjs vitest run
//
// So `npm test` works on a fresh clone with nothing but Node 20 and npm, and always runs on the Node that the
// `node` dev dependency brings. This file is what the old Node reads: plain JavaScript, no dependency.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const LOCK = join(ROOT, ".setup-lock");
const LOCK_TIMEOUT_MS = 10 * 60_000;
const NODE_MAJOR = 24;

const systemPath = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== BIN);
const env = { ...process.env, PATH: [BIN, ...systemPath].join(delimiter) };

const [command, ...args] = process.argv.slice(2);
if (!command) stop("Usage: node scripts/with-setup.mjs <command> [arguments]");
if (!isInstalled()) await install();
checkNode();
leaveLike(await run(command, args, { env, stdio: "inherit" }));

/**
 * True when node_modules is what package-lock.json asks for, however it came to be. npm keeps its own account
 * of what it installed and writes it last, so an installation that was cut short never looks complete.
 */
function isInstalled() {
  const wanted = readPackages("package-lock.json");
  const present = readPackages(join("node_modules", ".package-lock.json"));
  if (!present) return false;
  const isMet = ([path, { version, optional }]) =>
    path === "" || (present[path] ? present[path].version === version : optional === true);
  const isStray = (path) => !(path in wanted);
  return Object.entries(wanted).every(isMet) && !Object.keys(present).some(isStray);
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Installs once, however many commands find it missing at the same moment: the others wait and look again. */
async function install() {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  while (!takeLock()) {
    if (Date.now() > deadline) stop(`Another setup has held ${LOCK} for too long. Remove it and try again.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  process.on("exit", releaseLock);
  if (!isInstalled()) {
    console.error("Installing the development tools (npm ci), once…");
    // npm must not run on a Node inside the folder it is about to delete, hence the path without ours.
    const npmEnv = {
      ...process.env,
      PATH: systemPath.join(delimiter),
      LOOPHOST_FETCHING_TOOLS: "1", // or scripts/prepare.mjs would build what nobody here imports
    };
    const npmArgs = ["ci", "--include=dev", "--loglevel=error"];
    const ended = await run("npm", npmArgs, { env: npmEnv, stdio: ["ignore", "ignore", "inherit"] });
    if (ended.code !== 0) leaveLike(ended);
  }
  process.off("exit", releaseLock);
  releaseLock();
}

/** The lock is a file that names its owner, so one left behind by a killed process does not block for ever. */
function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isAbandoned()) releaseLock();
  return false;
}

function releaseLock() {
  rmSync(LOCK, { force: true });
}

function isAbandoned() {
  try {
    const owner = Number(readFileSync(LOCK, "utf8"));
    if (owner > 0) process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function checkNode() {
  const { stdout } = spawnSync("node", ["--version"], { cwd: ROOT, env, encoding: "utf8" });
  if (Number(/^v(\d+)\./.exec(stdout ?? "")?.[1]) >= NODE_MAJOR) return;
  stop(
    `This needs Node ${NODE_MAJOR} or newer, and found ${stdout?.trim() || "none"}. npm did not run the install script ` +
      "that brings it.\nThe way out: npm rebuild node --ignore-scripts=false",
  );
}

/** Runs to the end, passing on the signals we get. */
function run(file, fileArgs, options) {
  return new Promise((resolve) => {
    const child = spawn(file, fileArgs, { cwd: ROOT, ...options });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      // A terminal sends Ctrl-C to every process in the foreground; a second one would mean "at once".
      process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
    }
    child.on("error", (error) => stop(`Cannot run ${file}: ${error.message}`));
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
}

/** Ends as the child did. A signal becomes 128 + its number, as in a shell. */
function leaveLike({ code, signal }) {
  process.exit(code ?? 128 + constants.signals[signal]);
}

function stop(message) {
  console.error(message);
  process.exit(1);
}

// `npm run relock`: writes package-lock.json after a change to the dependencies in package.json.
//
// Native tools ship one optional package per platform. When the registry in use lacks some of them (a
// mirror, a fresh release), npm leaves them out of the lockfile and `npm ci` then refuses that very lockfile:
// "Missing: … from lock file" (npm/cli#9846). So we add the entries npm would have written, each with the integrity hash its
// registry publishes: without one, whatever is served under that name would be installed.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const LOCKFILE = new URL("../package-lock.json", import.meta.url);

const npm = spawnSync("npm", ["install", "--package-lock-only", "--loglevel=error"], { stdio: "inherit" });
if (npm.status !== 0) process.exit(npm.status ?? 1);

const lock = JSON.parse(readFileSync(LOCKFILE, "utf8"));
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue;
    lock.packages[`node_modules/${name}`] = platformEntry(name, range, entry);
    added.push(`${name}@${range}`);
  }
}
for (const [path, entry] of Object.entries(lock.packages))
  if (path !== "" && !entry.link)
    entry.integrity ??= integrityOf(path.replace(/^.*node_modules\//, ""), entry.version);
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, "en")),
);
writeFileSync(LOCKFILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json written; ${added.length} packages for other platforms added by hand`);

/** Looks a name up the way node does: beside the package that asks, then in every folder above it. */
function isLocked(path, name) {
  for (let from = path; ; from = from.slice(0, from.lastIndexOf("node_modules/"))) {
    const folder = from === "" || from.endsWith("/") ? from : `${from}/`;
    if (lock.packages[`${folder}node_modules/${name}`]) return true;
    if (from === "") return false;
  }
}

/** The hash the registry publishes for a package. */
function integrityOf(name, version) {
  const asked = spawnSync("npm", ["view", `${name}@${version}`, "dist.integrity"], { encoding: "utf8" });
  const hash = asked.stdout.trim();
  if (hash.startsWith("sha512-")) return hash;
  throw new Error(`the registry tells no hash of ${name}@${version}: ${asked.stderr.trim() || "nothing"}`);
}

/** Reads os, cpu and libc off a name such as "@oxlint/binding-linux-arm64-musl". */
function platformEntry(name, version, { dev }) {
  const [, os, cpu] = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)/.exec(name) ?? [];
  if (!os || !/^\d+\.\d+\.\d+/.test(version)) {
    throw new Error(`${name}@${version} is not in the lockfile and its name does not tell its platform`);
  }
  const libc = os !== "linux" ? undefined : name.includes("musl") ? "musl" : name.includes("gnu") && "glibc";
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}

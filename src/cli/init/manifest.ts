/** The package.json of a project `loophost init` makes: a new one, or what it adds to the one that is there. */

import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";

import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { VERSION } from "../../core/version.ts";

/** A package.json, as far as it is ours to know. */
export type Manifest = Record<string, unknown>;

/**
 * Reads a package.json; undefined where there is none.
 *
 * @throws LoophostError `invalid_options` when it is not JSON
 */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const file = join(folder, "package.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const manifest: unknown = JSON.parse(text);
    if (isObject(manifest)) return manifest;
  } catch (thrown) {
    throw new LoophostError("invalid_options", `${file} is not JSON: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  throw new LoophostError("invalid_options", `${file} does not hold an object.`);
}

/** What a project needs in its package.json, over what is there: scripts and packages that are there stay as they are. */
export async function projectManifest(
  folder: string,
  scripts: Readonly<Record<string, string>>,
  found: Manifest | undefined,
): Promise<Manifest> {
  const name =
    basename(folder)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, "-") || "agent";
  const base = found ?? { name, version: "0.0.0", private: true };
  const dependencies = partOf(base, "dependencies");
  const devDependencies = partOf(base, "devDependencies");
  return {
    ...base,
    type: "module",
    scripts: { ...scripts, ...withoutPlaceholder(partOf(base, "scripts")) },
    dependencies: { loophost: await ownSpec(folder), ...dependencies },
    devDependencies: { "@types/node": "^24.0.0", typescript: ">=5.7.0", ...devDependencies },
  };
}

function partOf(manifest: Manifest, part: string): Record<string, unknown> {
  const found = manifest[part];
  return isObject(found) ? found : {};
}

/** `npm init -y` writes a test script that only fails. */
function withoutPlaceholder(scripts: Record<string, unknown>): Record<string, unknown> {
  const { test, ...others } = scripts;
  return typeof test === "string" && !test.includes("no test specified") ? scripts : others;
}

/** How a project gets this package: as the project around it does, by which a tarball stays one, or by its version. */
async function ownSpec(folder: string): Promise<string> {
  for (let from = resolve(folder); ; from = dirname(from)) {
    const manifest = await readManifest(from).catch(() => undefined);
    const spec = manifest && partOf(manifest, "dependencies")["loophost"];
    if (typeof spec === "string") {
      const path = /^file:(.+)$/.exec(spec)?.[1];
      return path === undefined ? spec : `file:${relative(folder, resolve(from, path))}`;
    }
    if (from === dirname(from)) return `^${VERSION}`;
  }
}

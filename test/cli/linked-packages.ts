// What `npm install` would put into a project, with the packages that are here.

import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

import { ROOT } from "../support/source.ts";

/** Links this package and the types of Node into a project. */
export async function linkPackages(folder: string): Promise<void> {
  await mkdir(join(folder, "node_modules", "@types"), { recursive: true });
  await symlink(ROOT, join(folder, "node_modules", "loophost"));
  for (const name of ["@types/node", "undici-types"])
    await symlink(`${ROOT}node_modules/${name}`, join(folder, "node_modules", name));
}

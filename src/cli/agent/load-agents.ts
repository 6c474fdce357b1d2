/** Loads the agents of several files, and of folders: there each file whose default export is one. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Agent } from "../../core/agent.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { importFile, isAgent, loadAgent } from "./load-agent.ts";

/** An agent, and the file it is in. */
export interface LoadedAgent {
  readonly file: string;
  readonly agent: Agent;
}

const MODULE = /\.[cm]?[jt]s$/;
const NO_AGENT = /\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]s$/;

/**
 * Loads them, one after another.
 *
 * @param note told of each file of a folder that is left out, since its default export is no agent
 * @throws LoophostError `invalid_agent` for a file without an agent, a folder without one, two agents of one name; `missing_dependency` when Node cannot run a file as things are
 */
export async function loadAgents(
  paths: readonly string[],
  note: (line: string) => void,
): Promise<readonly LoadedAgent[]> {
  const loaded: LoadedAgent[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) loaded.push(...(await loadFolder(path, note)));
    else loaded.push({ file: path, agent: await loadAgent(path) });
  }
  for (const [index, { file, agent }] of loaded.entries()) {
    const other = loaded.slice(0, index).find((before) => before.agent.name === agent.name);
    if (other !== undefined)
      throw new LoophostError(
        "invalid_agent",
        `${other.file} and ${file} both have an agent named "${agent.name}"; rename one.`,
      );
  }
  return loaded;
}

async function loadFolder(folder: string, note: (line: string) => void): Promise<LoadedAgent[]> {
  const names = (await readdir(folder)).filter((name) => MODULE.test(name) && !NO_AGENT.test(name));
  const loaded: LoadedAgent[] = [];
  for (const name of names.toSorted()) {
    const file = join(folder, name);
    const module = await importFile(file);
    const agent = isObject(module) ? module["default"] : undefined;
    if (isAgent(agent)) loaded.push({ file, agent });
    else note(`${file} is left out: its default export is no agent.`);
  }
  if (loaded.length > 0) return loaded;
  throw new LoophostError(
    "invalid_agent",
    `No file in ${folder} has an agent as its default export, made by defineAgent({...}).`,
  );
}

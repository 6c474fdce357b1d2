/** Loads the agent of a module a user wrote, and says in one line what is wrong with it. */

import { spawnSync } from "node:child_process";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Agent } from "../../core/agent.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { muteWarnings } from "../node-warnings.ts";
import { fromHere } from "../screen/format.ts";

/**
 * Loads an agent file: its default export, or else the only agent it exports.
 *
 * @throws LoophostError `invalid_agent` when there is no file or no agent in it, `missing_dependency` when Node cannot run it as things are
 */
export async function loadAgent(path: string): Promise<Agent> {
  return pickAgent(await importFile(path), path);
}

/**
 * Runs the module in a file; gives what it exports.
 *
 * @throws LoophostError as `loadAgent`
 */
export async function importFile(path: string): Promise<unknown> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw new LoophostError("invalid_agent", `There is no file ${path}.`);
  if (!found.isFile())
    throw new LoophostError(
      "invalid_agent",
      `${path || '""'} is not a file; name the module that exports the agent.`,
    );
  // Errors in the file are reported as errors; Node's warning is muted.
  muteWarnings(/^(Module type of|Failed to load the ES module|Type Stripping)/i);
  return import(pathToFileURL(file).href).catch((thrown: unknown) => {
    throw explain(thrown, path, file);
  });
}

function pickAgent(module: unknown, path: string): Agent {
  const exported = Object.entries(isObject(module) ? module : {});
  const main = exported.find(([name]) => name === "default")?.[1];
  if (isAgent(main)) return main;
  const agents = exported.filter((entry): entry is [string, Agent] => isAgent(entry[1]));
  const [only] = new Set(agents.map(([, agent]) => agent));
  if (only !== undefined && agents.every(([, agent]) => agent === only)) return only;
  const problem =
    agents.length > 0
      ? `exports several agents (${agents.map(([name]) => name).join(", ")}); make one the default export.`
      : "exports no agent. Its default export must be made by defineAgent({...}).";
  throw new LoophostError("invalid_agent", `${path} ${problem}`);
}

/** Whether a value is an agent, by its shape: the file may import another copy of this library. */
export function isAgent(value: unknown): value is Agent {
  return (
    isObject(value) &&
    typeof value["name"] === "string" &&
    typeof value["instructions"] === "string" &&
    Array.isArray(value["tools"]) &&
    isObject(value["limits"])
  );
}

/** Says what kept Node from running the file. */
function explain(thrown: unknown, path: string, file: string): LoophostError {
  const code = isObject(thrown) ? thrown["code"] : undefined;
  const message = messageOf(thrown);
  const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1];
  if (missing !== undefined)
    return new LoophostError(
      "missing_dependency",
      `${path} needs the package "${missing}", which is not installed where the file is. Run: npm install ${missing}`,
      { cause: thrown },
    );
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /\.[cm]?ts$/.test(path))
    return new LoophostError(
      "missing_dependency",
      `${path} is TypeScript, which this Node (${process.version}) does not run as it is. Use Node 22.18 or newer without --no-strip-types, or a JavaScript file.`,
      { cause: thrown },
    );
  const place = placeOf(thrown, file) ?? path;
  if (/^(Cannot use import statement|Unexpected token 'export')/.test(message))
    return new LoophostError(
      "invalid_agent",
      `${place}: Node takes this for a CommonJS file: package.json says "type": "commonjs", as npm init -y writes it, or nothing. Put "type": "module" there (npm pkg set type=module), or name the file .mts or .mjs.`,
      { cause: thrown },
    );
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX")
    return new LoophostError(
      "invalid_agent",
      `${place}: syntax error: ${message}: Node only removes types. Write it as JavaScript (an object for an enum), or compile the file and name the result.`,
      { cause: thrown },
    );
  // Node calls a missing export a syntax error, too.
  const kind = thrown instanceof SyntaxError && !message.startsWith("The requested") ? "syntax error: " : "";
  return new LoophostError("invalid_agent", `${place}: ${kind}${message}`, { cause: thrown });
}

/** The file and line a module failed at, as seen from where the user is. */
function placeOf(thrown: unknown, file: string): string | undefined {
  const [first, ...frames] = thrown instanceof Error ? (thrown.stack ?? "").split("\n") : [];
  const place = placeIn(first) ?? frames.map(placeIn).find((frame) => frame?.file === file);
  if (place !== undefined) return `${fromHere(place.file)}:${place.line}`;
  // A syntax error in JavaScript does not say where; Node's own check does.
  if (!(thrown instanceof SyntaxError)) return undefined;
  const check = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" });
  const checked = placeIn(check.stderr.split("\n", 1)[0]);
  return checked && `${fromHere(checked.file)}:${checked.line}`;
}

interface Place {
  readonly file: string;
  readonly line: string;
}

/** Reads `file:///a/b.ts:3`, `at f (/a/b.ts:3:7)` and the like. */
function placeIn(line: string | undefined): Place | undefined {
  const [, file, number] =
    /(?:^|\(|at (?:async )?)((?:file:\/\/)?\/[^()]+?|[A-Za-z]:\\[^()]+?):(\d+)(?::\d+)?\)?$/.exec(
      line ?? "",
    ) ?? [];
  if (file === undefined || number === undefined) return undefined;
  return { file: file.startsWith("file:") ? fileURLToPath(file) : file, line: number };
}

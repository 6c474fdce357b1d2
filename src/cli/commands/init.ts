/** `loophost init`: a project with an agent, a tool, and a test that needs no key. */

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import type { Manifest } from "../init/manifest.ts";
import { projectManifest, readManifest } from "../init/manifest.ts";
import { rendered, TEMPLATES } from "../init/templates.ts";
import { formatWord, fromHere } from "../screen/format.ts";

const HELP = `loophost init makes a project: an agent with a tool, and a test that needs no key.

Usage
  loophost init [folder] [options]

  [folder]  where to; it is made if it is not there. Default: this folder

Options
  --template <name>  tools: an agent for loophost run. Default.
                     worker: a program that does jobs, and takes up what it left
  --help, -h         this text

Example
  loophost init my-agent
  cd my-agent && npm install && npm test

No file is overwritten. A package.json that is there gets what is missing, and
"type": "module": agent files are ES modules, which npm init -y does not say.

${EXIT_CODES_HELP}
`;

/** The command. */
export const initCommand: Command = {
  help: HELP,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { template: { type: "string", default: "tools" } },
    });
    const [where = ".", ...more] = positionals;
    if (more.length > 0) throw misuse("loophost init", "init takes one folder");
    const { template } = values;
    if (template !== "tools" && template !== "worker")
      throw misuse("loophost init", `There is no template "${template}", only tools and worker`);

    const folder = resolve(where);
    // Node tells whether it runs TypeScript: 22.13 does not.
    const isTypeScript = Boolean(process.features.typescript);
    const toName = (name: string) => (isTypeScript ? name : name.replace(/\.ts$/, ".js"));
    const files = Object.entries(TEMPLATES[template]).map(
      ([name, text]) => [toName(name), rendered(text, isTypeScript)] as const,
    );
    const found = await readManifest(folder);
    await refuseIfThere(
      folder,
      files.map(([name]) => name),
      found,
    );
    const scripts =
      template === "tools"
        ? { start: `loophost run ${toName("agent.ts")}`, test: `node --test ${toName("agent.test.ts")}` }
        : { start: `node ${toName("worker.ts")}`, test: `node --test ${toName("work.test.ts")}` };
    const manifest = await projectManifest(folder, { ...scripts, types: "tsc" }, found);
    await mkdir(folder, { recursive: true });
    for (const [name, text] of files) await writeFile(join(folder, name), text, { flag: "wx" });
    await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    const names = ["package.json", ...files.map(([name]) => name)];
    console.log(describe(fromHere(folder), names, template, toName("agent.ts"), found));
    return EXIT.ok;
  },
};

/** Refuses before anything is written. */
async function refuseIfThere(folder: string, names: readonly string[], found: Manifest | undefined) {
  const there: string[] = await readdir(folder).catch(() => []);
  const taken = names.filter((name) => there.includes(name));
  if (taken.length > 0)
    throw new LoophostError(
      "invalid_options",
      `${taken.join(", ")} ${taken.length === 1 ? "is" : "are"} there already, and nothing is overwritten. Name a new folder: loophost init my-agent`,
    );
  const common = there.filter((name) => name.endsWith(".js"));
  if (found === undefined || found["type"] === "module" || common.length === 0) return;
  throw new LoophostError(
    "invalid_options",
    `This package is CommonJS, and "type": "module" would break ${common.join(", ")}. Name a new folder: loophost init my-agent`,
  );
}

function describe(
  folder: string,
  names: readonly string[],
  template: "tools" | "worker",
  agentFile: string,
  found: Manifest | undefined,
): string {
  const steps: (readonly [string, string])[] = [
    ...(folder === "." ? [] : [[`cd ${formatWord(folder)}`, ""] as const]),
    ["npm install", ""],
    ["npm test", "the agent with a scripted model: no key is needed"],
    ...(template === "tools"
      ? [
          [`npx loophost run ${agentFile} 'lookup_order {"id":"42"}' --model scripted`, ""] as const,
          ["", "the built-in scripted model calls the tools it is told to call"] as const,
          ['npm start -- "Where is order 42?"', "with a language model: set ANTHROPIC_API_KEY"] as const,
        ]
      : [['echo "Where is order 42?" | npm start', "with a language model: set ANTHROPIC_API_KEY"] as const]),
  ];
  const changed =
    found !== undefined && found["type"] !== "module"
      ? `package.json now says "type": "module": agent files are ES modules.\n`
      : "";
  return `Wrote ${names.join(", ")}${folder === "." ? "" : ` in ${folder}`}.
${changed}
Next
${steps.map(([command, why]) => (why === "" ? `  ${command}` : `  ${command.padEnd(40)} ${why}`)).join("\n")}`;
}

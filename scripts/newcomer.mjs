// `npm run newcomer [-- --rate 5]`: a newcomer's path, timed. In an empty folder, with a HOME and an npm cache of its own, a
// script types at five characters a second into a real terminal: installs the tarball, writes an agent with a tool, runs it.
// Fails when the agent has not answered within two minutes of the first key. The terminal is that of `script`, of util-linux.

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";

import { emptyPlace, pack, surroundings } from "./packed.mjs";

const { values } = parseArgs({ options: { rate: { type: "string", default: "5" } } });
const MAX_MS = 120_000;
const PROMPT = "newcomer$ ";

const STEPS = [
  { what: "installs it", types: "npm i ./TARBALL", sees: "added 1 package" },
  {
    what: "writes an agent with a tool",
    types: `cat > dice.mjs <<END
import { defineAgent, defineTool } from "loophost";
const roll = defineTool({
  name: "roll",
  description: "Rolls dice.",
  input: { type: "object" },
  execute: () => "a four",
});
export default defineAgent({ name: "dicer", instructions: "Play.", tools: [roll] });
END`,
    sees: "",
  },
  { what: "runs it", types: "npx loophost run dice.mjs 'roll {}' --model scripted", sees: "a four" },
];

if (spawnSync("script", ["--version"]).error === undefined) await follow();
else console.log("skipped: there is no `script` here, which util-linux has, so no terminal to type into");

async function follow() {
  const tarball = pack(emptyPlace("newcomer-pack"));
  const place = emptyPlace("newcomer");
  const cwd = join(place, "here");
  copyFileSync(tarball, join(cwd, basename(tarball)));
  const env = { ...surroundings(place), TERM: "xterm" };
  const terminal = spawn("script", ["-qefc", "sh -i", "/dev/null"], { cwd, env });
  let shown = "";
  terminal.stdout.on("data", (text) => (shown += text));
  const giveUpAt = Date.now() + 2 * MAX_MS;
  const waits = async (isThere) => {
    while (!isThere()) {
      if (Date.now() > giveUpAt || terminal.exitCode !== null)
        throw new Error(`nothing more came:\n${shown}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  try {
    terminal.stdin.write(`PS1='${PROMPT}'\r`);
    await waits(() => shown.endsWith(PROMPT));
    const beganAt = Date.now();
    for (const { what, types, sees } of STEPS) {
      const stepAt = Date.now();
      shown = "";
      for (const key of `${types.replace("TARBALL", basename(tarball))}\r`) {
        terminal.stdin.write(key === "\n" ? "\r" : key);
        await new Promise((resolve) => setTimeout(resolve, 1_000 / Number(values.rate)));
      }
      await waits(() => shown.endsWith(PROMPT));
      if (!shown.includes(sees)) throw new Error(`${what}: "${sees}" was not shown:\n${shown}`);
      console.log(`${((Date.now() - stepAt) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
    }
    const tookMs = Date.now() - beganAt;
    console.log(`${(tookMs / 1_000).toFixed(1).padStart(6)} s  from the first key to the agent's answer`);
    if (tookMs > MAX_MS) throw new Error(`that is more than ${MAX_MS / 1_000} s`);
  } catch (error) {
    console.error(`✗ ${error.message}`);
    process.exitCode = 1;
  } finally {
    terminal.kill("SIGKILL");
  }
}

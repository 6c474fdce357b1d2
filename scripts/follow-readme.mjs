// Follows README.md word by word where nothing else is: writes its programs, runs its commands, and compares what they say
// with the text that stands beside them. Only the port of its host is another, one that is free.

import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";

import { call, emptyPlace, ROOT, start, surroundings } from "./packed.mjs";

/** Follows it on the Node in a folder; gives the commands that did not do what README.md says, with what they said. */
export async function followReadme(tarball, bin, version) {
  const place = emptyPlace(`readme-${version}`);
  const here = { cwd: join(place, "here"), env: surroundings(place, `${bin}:${process.env.PATH}`) };
  copyFileSync(tarball, join(here.cwd, basename(tarball)));
  const old = isBefore(version, 22, 13);
  const steps = [];
  const running = [];
  try {
    for (const { commands, programs, expected } of readSteps(version, await freePort())) {
      for (const { name, code } of programs) writeFileSync(join(here.cwd, name), code);
      let said = "";
      for (const command of commands) {
        const began = Date.now();
        const isToGoOn = command.endsWith("# in another terminal") && !old;
        if (isToGoOn) {
          const started = start(command, here);
          running.push(started);
          said += await started.saw((text) => matches(text, expected));
        } else {
          const { stdout, stderr, status } = call("sh", ["-c", command], here);
          said += stdout + stderr;
          if (old) steps.push(onOldNode(command, status, stdout + stderr, version));
          else if (status !== 0) steps.push({ command, ok: false, said: stdout + stderr });
        }
        console.log(`  ${((Date.now() - began) / 1_000).toFixed(1)} s  ${command}`);
      }
      if (!old && commands.length > 0)
        steps.push({ command: commands.join(" && "), ok: matches(said, expected), said, expected });
    }
  } finally {
    for (const { stop } of running) stop();
  }
  return steps.filter(({ ok }) => !ok);
}

/** On a Node that is too old, installing works, and all that is ours says so in one line. */
function onOldNode(command, status, said, version) {
  if (command.startsWith("npm test")) return { command, ok: status !== 0, said }; // init wrote no test
  if (command.startsWith("npm install")) return { command, ok: status === 0, said };
  if (command.startsWith("npx loophost")) {
    const line = `loophost: This needs Node 22.13 or newer; it runs on v${version}.`;
    return { command, ok: status === 4 && said.includes(line), said };
  }
  const line = `loophost needs Node 22.13 or newer; this is ${version}.`;
  // A program that asks for none of ours runs, or fails by a host that could not be started.
  return { command, ok: said.includes(line) || /client\.mjs|--disable-warning/.test(command), said };
}

/** The blocks of README.md: commands, with the programs before them and the texts after them. */
function readSteps(version, port) {
  const text = readFileSync(`${ROOT}README.md`, "utf8").replaceAll("4100", String(port));
  const steps = [];
  let programs = [];
  let isInSection = false;
  for (const [whole, language, code] of text.matchAll(/^## .*$|^```(\w+)\n([^]*?)^```$/gm)) {
    if (whole.startsWith("## ")) isInSection = false;
    const name = /^\/\/ ([\w.-]+)\n/.exec(code ?? "")?.[1];
    if (language === "ts" && name !== undefined) programs.push({ name, code });
    if (language === "sh") {
      const commands = code.trimEnd().split("\n");
      steps.push({ commands, programs, expected: [] });
      programs = [];
      isInSection = true;
    }
    // What only an older Node says is expected there alone.
    if (language === "text" && isInSection && !code.startsWith("loophost: This needs Node"))
      steps.at(-1).expected.push(isBefore(version, 22, 18) ? code.replaceAll(".ts", ".js") : code);
  }
  return steps;
}

/** Whether a text holds what is expected: `…` stands for anything, and the two ways Node reports tests are one. */
function matches(said, expected) {
  return expected.every((text) => {
    const lines = text.trimEnd().split("\n");
    const pattern = lines.map((line) => (line === "…" ? "[^]*" : inline(line))).join("\\s*");
    return new RegExp(pattern, "m").test(said);
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function inline(line) {
  return line
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/^ℹ /, "[ℹ#] ")
    .replaceAll("…", ".*");
}

function isBefore(version, major, minor) {
  const [ours, theirs] = version.split(".").map(Number);
  return ours < major || (ours === major && theirs < minor);
}

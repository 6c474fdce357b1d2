#!/usr/bin/env node
/** The door of the command line: an older Node would stop at the syntax of what is behind it, with a stack for an answer. */

import process from "node:process";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 13)) await import("./command-line.ts");
else {
  process.stderr.write(`loophost: This needs Node 22.13 or newer; it runs on ${process.version}.\n`);
  process.exitCode = 4;
}

// `npm run release-check [-- --node 24.21.0 …]`: packs what would be published and tries it where nothing else is. The
// version is in CHANGELOG.md, the tarball holds what it has to, and README.md can be followed word by word on each Node.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { followReadme } from "./follow-readme.mjs";
import { call, emptyPlace, nodeOf, pack, ROOT } from "./packed.mjs";

const { values } = parseArgs({ options: { node: { type: "string", multiple: true } } });
const nodes = values.node ?? ["20.20.2", "22.13.0", "24.21.0"];
const problems = [];

const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
const changelog = readFileSync(`${ROOT}CHANGELOG.md`, "utf8");
const [, heading = "", section = ""] = /^## \[(.+?)\].*\n([^]*?)(?=^## |(?![^]))/m.exec(changelog) ?? [];
if (heading !== "Unreleased" && heading !== version)
  problems.push(`CHANGELOG.md begins with ${heading}, package.json says ${version}`);
if (!/^- /m.test(section)) problems.push(`CHANGELOG.md lists nothing under [${heading}]`);

const tarball = pack(emptyPlace("release"));
const names = call("tar", ["-tzf", tarball], { cwd: ROOT, env: process.env }).stdout.trim().split("\n");
for (const name of [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "dist/index.js",
  "dist/index.d.ts",
  "dist/cli/main.js",
])
  if (!names.includes(`package/${name}`)) problems.push(`the tarball lacks ${name}`);
for (const name of names)
  if (/\.map$|\.test\.|^package\/(src|test|scripts)\//.test(name)) problems.push(`the tarball holds ${name}`);
console.log(`${tarball}: ${names.length} files`);

for (const node of nodes) {
  console.log(`README.md on Node ${node}`);
  for (const { command, said, expected } of await followReadme(tarball, nodeOf(node), node))
    problems.push(
      `Node ${node}: ${command}\n  said: ${said.slice(-1_500)}\n  expected: ${JSON.stringify(expected)}`,
    );
}
for (const problem of problems) console.error(`✗ ${problem}`);
console.log(problems.length === 0 ? "ready to be published" : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

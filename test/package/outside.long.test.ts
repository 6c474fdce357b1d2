// A provider written outside this package, of what its page and its kit say and nothing else: the sample of docs/providers.md,
// copied beside an installed tarball, is checked by the compiler and keeps the provider contract.

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const folder = mkdtempSync(join(tmpdir(), "loophost-outside-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command; its output, or an error with all of it. */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? ""}${stdout}${stderr}`);
  return stdout;
}

function sample(): string {
  const blocks = readFileSync(`${ROOT}docs/providers.md`, "utf8").matchAll(/```ts\n(.*?)```/gs);
  return [...blocks].map(([, code = ""]) => code).find((code) => code.includes("function nimbus(")) ?? "";
}

beforeAll(() => {
  // Built and packed in a copy, so that a `dist/` of the tree stays as it is.
  const packed = join(folder, "packed");
  mkdirSync(packed);
  for (const entry of [
    "package.json",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "docs",
    "scripts",
    "src",
    "tsconfig.json",
    "tsconfig.build.json",
  ])
    cpSync(ROOT + entry, join(packed, entry), { recursive: true });
  symlinkSync(`${ROOT}node_modules`, join(packed, "node_modules"));
  // What a version before has left: packing builds anew.
  mkdirSync(join(packed, "dist"));
  for (const stale of ["index.js", "gone.js"]) writeFileSync(join(packed, "dist", stale), "throw 'stale';\n");
  run("npm", ["pack", "--loglevel=error", "--pack-destination", folder], packed);
  const tarball = globSync("*.tgz", { cwd: folder })[0] ?? "";
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run(
    "npm",
    ["install", "--offline", "--ignore-scripts", "--no-audit", "--legacy-peer-deps", join(folder, tarball)],
    outside,
  );
  for (const file of ["main.ts", "nimbus-host.ts"])
    cpSync(join(import.meta.dirname, "outside", file), join(outside, file));
  writeFileSync(join(outside, "nimbus.ts"), sample());
}, 180_000);

it("keeps the provider contract, lost replies and cut streams included", { timeout: 120_000 }, () => {
  const { cases, failed } = JSON.parse(run(process.execPath, ["main.ts"], join(folder, "outside"))) as {
    cases: number;
    failed: string[];
  };
  expect(failed).toEqual([]);
  expect(cases).toBeGreaterThanOrEqual(25);
});

it("is checked by the compiler, with nothing but the types of the package and of Node", () => {
  const outside = join(folder, "outside");
  const options = {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2024",
    lib: ["esnext"],
    types: ["node"],
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    typeRoots: [`${ROOT}node_modules/@types`],
  };
  writeFileSync(
    join(outside, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, files: ["main.ts", "nimbus.ts"] }),
  );
  expect(run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, "-p", "."], outside)).toBe("");
});

it("is packed of the source, with nothing of a build before", () => {
  const dist = join(folder, "outside", "node_modules", "loophost", "dist");
  expect(existsSync(join(dist, "gone.js"))).toBe(false);
  expect(readFileSync(join(dist, "index.js"), "utf8")).not.toContain("stale");
});

it("imports nothing that the package does not export, and cannot", () => {
  const outside = join(folder, "outside");
  const named = ["main.ts", "nimbus.ts", "nimbus-host.ts"].flatMap((file) =>
    [...readFileSync(join(outside, file), "utf8").matchAll(/from "(.*?)"/g)].map(
      ([, specifier = ""]) => specifier,
    ),
  );
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { exports: object };
  const isAllowed = (name: string) =>
    /^(node:|\.\/[\w-]+\.ts$)/.test(name) || Object.hasOwn(exports, name.replace(/^loophost/, "."));
  expect(named.filter((name) => !isAllowed(name))).toEqual([]);
  expect(named).toContain("loophost/provider-kit");
  const deep = 'import("loophost/dist/core/loop/machine.js").catch(({ code }) => console.log(code))';
  expect(run(process.execPath, ["-e", deep], outside).trim()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
});

// The embedded host where hono is not installed: the import works, and the first use says what to do.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const PROGRAM = `
import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (!/^hono/.test(specifier)) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package 'hono'"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});
const { embeddedHost } = await import("loophost/server");
const host = embeddedHost({ model: () => "Hello." });
const said = ({ code, message }) => code + ": " + message;
console.log(await host.listen().then(() => "listens", said));
console.log(await host.fetch(new Request("http://host/healthz")).then(() => "answers", said));
await host.close();
`;

it("says what to install when it is first used", async () => {
  const args = ["--conditions=loophost:source", "--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const told =
    "missing_dependency: The embedded host needs packages that are not installed. Run: npm install hono @hono/node-server";
  expect(stdout).toBe(`${told}\n${told}\n`);
});

// `npm run try-package [-- --long] [--write]`, or `-- --only workerd`: the packed package under each kind of resolution, compiler and bundler that
// docs/compatibility.md names, in a folder of its own each. `--write` writes the table there.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { call, emptyPlace, pack, ROOT, surroundings } from "./packed.mjs";

const { values } = parseArgs({
  options: { long: { type: "boolean" }, write: { type: "boolean" }, only: { type: "string" } },
});

/** Types and values of several entry points, and a run with two turns. */
const PROGRAM = `import { defineAgent, defineTool, openSession, resultText, run } from "loophost";
import { budget } from "loophost/budget";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";

const add = defineTool({
  name: "add",
  description: "Adds two numbers.",
  input: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  execute: ({ a, b }) => String(Number(a) + Number(b)),
});
const agent = defineAgent({ name: "adder", instructions: "Add.", tools: [add] });
const provider = local({
  model: ({ messages }) => {
    const last = messages.at(-1);
    if (last?.role === "tool") return last.results.map(({ result }) => resultText(result)).join();
    return [{ type: "tool_call", id: "call_1", name: "add", input: { a: 40, b: 2 } }];
  },
});
const guard = budget({ maxTurns: 5 });
export const answered = run(agent, { provider, prompt: "40 and 2", guard }).then(async ({ text }) => {
  const session = await openSession(agent, { provider, store: memoryStore() });
  await session.close();
  return text;
});
`;
const PRINT =
  'import { answered } from "./program.EXT";\nanswered.then((text) => console.log("answer", text));\n';
const tsconfig = (options) =>
  JSON.stringify({
    compilerOptions: {
      strict: true,
      target: "es2022",
      lib: ["esnext"],
      types: ["node"],
      skipLibCheck: true,
      outDir: "out",
      rootDir: ".",
      ...options,
    },
    files: ["program.ts", "main.ts"],
  });
const typed = (options) => ({
  "program.ts": PROGRAM,
  "main.ts": PRINT.replace("EXT", "js"),
  "tsconfig.json": tsconfig(options),
});
const bundled = { "program.mjs": PROGRAM, "main.mjs": PRINT.replace("EXT", "mjs") };
const TYPES = ["@types/node@24"];
const CJS = `const { defineAgent, run } = require("loophost");
const { local } = require("loophost/providers/local");
require("loophost/server");
const agent = defineAgent({ name: "a", instructions: "" });
run(agent, { provider: local({ model: () => "42" }), prompt: "?" }).then(({ text }) => console.log("answer", text));
`;
// A worker may wait and draw random numbers only within a request.
const WORKER = `export default {
  async fetch() {
    const { answered } = await import("./program.mjs");
    return new Response("answer " + (await answered));
  },
};
`;
const MINIFLARE = `import { Miniflare } from "miniflare";
const worker = new Miniflare({ modules: true, scriptPath: "out.mjs", compatibilityDate: "2026-01-01", compatibilityFlags: ["nodejs_compat"] });
console.log(await (await worker.dispatchFetch("http://worker/")).text());
await worker.dispose();
`;

const TRIALS = [
  {
    what: 'TypeScript 7.0, `"nodenext"`',
    needs: ["typescript@7.0.2", ...TYPES],
    files: typed({ module: "nodenext" }),
    run: "npx tsc && node out/main.js",
  },
  {
    what: 'TypeScript 5.7, `"nodenext"`',
    needs: ["typescript@5.7.3", ...TYPES],
    files: typed({ module: "nodenext" }),
    run: "npx tsc && node out/main.js",
  },
  {
    what: 'TypeScript 7.0, `"bundler"`',
    needs: ["typescript@7.0.2", ...TYPES],
    files: typed({ module: "preserve", moduleResolution: "bundler" }),
    run: "npx tsc && node out/main.js",
  },
  {
    what: "esbuild, to ES modules",
    needs: ["esbuild"],
    files: bundled,
    run: "npx esbuild main.mjs --bundle --platform=node --format=esm --outfile=out.mjs && node out.mjs",
  },
  {
    what: "esbuild, to CommonJS",
    needs: ["esbuild"],
    files: bundled,
    run: "npx esbuild main.mjs --bundle --platform=node --format=cjs --outfile=out.cjs && node out.cjs",
  },
  {
    what: "Vite, `build --ssr`",
    needs: ["vite"],
    files: bundled,
    run: "npx vite build --ssr main.mjs --outDir out && node out/main.*js",
  },
  {
    what: "CommonJS, `require()`",
    needs: ["hono", "@hono/node-server"],
    files: { "main.cjs": CJS },
    run: "node main.cjs",
  },
  { what: "Bun", isLong: true, needs: ["bun"], files: bundled, run: "npx bun run main.mjs" },
  { what: "Deno", isLong: true, needs: ["deno"], files: bundled, run: "npx deno run --allow-all main.mjs" },
  {
    what: "workerd, by Miniflare",
    isLong: true,
    needs: ["miniflare", "esbuild"],
    files: { ...bundled, "worker.mjs": WORKER, "run.mjs": MINIFLARE },
    run: "npx esbuild worker.mjs --bundle --format=esm --platform=neutral --main-fields=module,main --external:node:* --outfile=out.mjs && node run.mjs",
  },
  {
    what: "Next, a route handler",
    isLong: true,
    needs: ["next", "react", "react-dom"],
    files: {
      "program.mjs": PROGRAM,
      "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;\n",
      "app/answer/route.js":
        'import { answered } from "../../program.mjs";\nexport const dynamic = "force-static";\nexport const GET = async () => new Response("answer " + (await answered));\n',
    },
    run: "npx next build >build.log 2>&1; cat .next/server/app/answer.body build.log",
  },
];

const tarball = pack(emptyPlace("tried"));
const rows = TRIALS.filter(({ what, isLong }) =>
  values.only === undefined ? values.long || !isLong : what.includes(values.only),
).map(tryOut);
for (const { what, version, ok, said } of rows)
  console.log(`${ok ? "ok    " : "FAILED"} ${what} ${version}${ok ? "" : `\n${said}`}`);
if (values.write) writeTable();
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;

function tryOut({ what, needs, files, run }) {
  const place = emptyPlace("try");
  const here = { cwd: join(place, "here"), env: surroundings(place) };
  const allowScripts = Object.fromEntries(
    ["bun", "deno", "esbuild", "workerd", "sharp"].map((name) => [name, true]),
  );
  const manifest = JSON.stringify({ private: true, type: "module", allowScripts });
  for (const [name, text] of Object.entries({ "package.json": manifest, ...files })) {
    mkdirSync(join(here.cwd, name, ".."), { recursive: true });
    writeFileSync(join(here.cwd, name), text);
  }
  const installed = call("npm", ["install", "--loglevel=error", tarball, ...needs], here);
  if (installed.status !== 0) return { what, version: "", ok: false, said: installed.stderr };
  const { stdout, stderr } = call("sh", ["-c", run], here);
  const [, name] = /^(@?[^@]+)/.exec(needs[0]) ?? [];
  const { version } = JSON.parse(readFileSync(join(here.cwd, "node_modules", name, "package.json"), "utf8"));
  return {
    what,
    version: what.startsWith("CommonJS") ? `Node ${process.version}` : version,
    ok: /^answer 42/m.test(stdout),
    said: stdout + stderr,
  };
}

/** The table is between two comments of its page. */
function writeTable() {
  const page = `${ROOT}docs/compatibility.md`;
  const lines = rows.map(
    ({ what, version, ok }) =>
      `| ${what} | ${version} | ${ok ? "a run with a tool call" : "does not work"} |`,
  );
  const table = ["| with | version tried | what ran |", "| --- | --- | --- |", ...lines].join("\n");
  const text = readFileSync(page, "utf8");
  writeFileSync(page, text.replace(/(<!-- tried -->\n)[^]*?(\n<!-- end -->)/, `$1\n${table}\n$2`));
}

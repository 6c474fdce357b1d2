// `npm run reference`: writes docs/reference/ from the doc comments of the options, and tells of each whose comment lacks
// what a reader needs: a default, the unit of a number, the error. `--check` writes nothing, and tells where pages differ;
// `--root` reads and writes another tree than this one.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parseSync } from "rolldown/utils";

const { values: args } = parseArgs({ options: { check: { type: "boolean" }, root: { type: "string" } } });
const ROOT = args.root ?? fileURLToPath(new URL("..", import.meta.url));

/**
 * The pages: a title, then what a user calls with the file and the interface of its options, and the function that refuses
 * them where it is in another file or has another name.
 */
const PAGES = {
  core: [
    "Agents, tools, runs and sessions",
    "defineAgent() core/agent.ts AgentDefinition",
    "limits core/agent.ts Partial<Limits> core/agent.ts:defineAgent",
    "defineTool() core/tool.ts ToolDefinition",
    "openSession() core/session.ts OpenOptions core/session/open-session.ts:openSession",
    "send(), resume() core/session.ts RunOptions core/session.ts:send",
    "run() core/session/run-once.ts RunOnceOptions",
    "budget() budget/budget.ts BudgetBounds",
  ],
  local: [
    "local() and its models",
    "local() providers/local/local.ts LocalOptions",
    "guards providers/local/guards.ts ModelGuards providers/local/local.ts:local",
    "compaction providers/local/compaction.ts CompactionOptions providers/local/local.ts:local",
    "anthropicMessages() providers/local/models/anthropic/index.ts AnthropicMessagesOptions",
    "openAICompatible() providers/local/models/openai/index.ts OpenAICompatibleOptions",
    "aiSdkModel() providers/local/models/ai-sdk/index.ts AiSdkModelOptions",
    "retry core/async/retry.ts Partial<RetryPolicy> providers/local/models/anthropic/index.ts:anthropicMessages",
  ],
  claude: [
    "claude()",
    "claude() providers/claude/claude.ts ClaudeOptions",
    "server providers/claude/session/server-traits.ts Partial<ServerTraits> providers/claude/claude.ts:claude",
  ],
  agentcore: ["agentcore()", "agentcore() providers/agentcore/agentcore.ts AgentCoreOptions"],
  stores: [
    "Stores",
    "sqliteStore() stores/sqlite/index.ts SqliteStoreOptions",
    "memoryStore() stores/memory.ts MemoryStoreOptions",
    "postgresStore() stores/postgres/open.ts PostgresStoreOptions stores/postgres/index.ts:postgresStore",
  ],
  server: [
    "The embedded host",
    "embeddedHost() server/options.ts EmbeddedHostOptions server/embedded-host.ts:embeddedHost",
    "listen() server/options.ts ListenOptions server/embedded-host.ts:listen",
  ],
};

const HEAD = `
Written from the source by \`npm run reference\`. Where the default is none, nothing of the kind is done or sent. Every error is
a \`LoophostError\`: the column names the codes of one option, the line under a table those of the call.
`;

/** The pages as text, by path, and what is missing in the doc comments they come from. */
function reference() {
  const problems = [];
  const pages = Object.entries(PAGES).map(([name, [title = "", ...parts]]) => {
    const sections = parts.map((part) => {
      const [, call = "", file = "", type = "", by = `${file}:${call}`] =
        /^(.+?) (\S+\.ts) ([\w<>]+)(?: (\S+))?$/.exec(part) ?? [];
      return sectionOf(call, `src/${file}`, type, `src/${by}`, problems);
    });
    return [`docs/reference/${name}.md`, [`# ${title}\n${HEAD}`, ...sections].join("\n")];
  });
  return { pages: new Map(pages), problems };
}

function sectionOf(call, file, type, by, problems) {
  const throws = throwsOf(by);
  if (throws === undefined) problems.push(`${by} has no @throws`);
  const [refused] = codesIn(throws ?? "");
  const rows = membersOf(file, type).map((member) => {
    const { name, text, doc } = member;
    const told = { default: defaultOf(member), unit: unitOf(member), error: errorOf(member, refused) };
    const what = doc.replace(DEFAULT, "").trim();
    for (const [part, value] of Object.entries({ ...told, "word on what it is": what }))
      if (value === "") problems.push(`${file}: the comment of ${type}.${name} says no ${part}`);
    const columns = [`\`${name}\``, `\`${text}\``, ...Object.values(told), what];
    return `| ${columns.map(cell).join(" | ")} |`;
  });
  const head =
    "| option | type | default | unit | error | what it is |\n| --- | --- | --- | --- | --- | --- |";
  return `## ${call}\n\n${head}\n${rows.join("\n")}\n\nErrors: ${throws}\n`;
}

const DEFAULT = /\bDefault:?\s([^]*?)(?:[.;](?:\s|$)|$)/;

/** What the comment calls the default; an option that may be left out has to have one. */
function defaultOf({ doc, isOptional }) {
  const [, found] = DEFAULT.exec(doc) ?? [];
  return found ?? (isOptional ? "" : "required");
}

const UNITS =
  /\b(milliseconds|seconds|MiB|bytes|characters|tokens|turns|tools|calls|failures|tries|events|port|cents|iterations)\b/i;

/** What a number counts: as its name ends, or the first unit its comment names. */
function unitOf({ name, text, doc }) {
  if (!/\bnumber\b/.test(text)) return "–";
  const [, byName] = /(Ms|Seconds|Bytes|Chars|Tokens|Turns)$/i.exec(name) ?? [];
  const unit = byName ?? UNITS.exec(doc)?.[0] ?? "";
  return { ms: "milliseconds", chars: "characters" }[unit.toLowerCase()] ?? unit.toLowerCase();
}

/** The codes its comment names, and the one that whatever cannot be used is refused with. */
function errorOf({ text, doc }, refused) {
  const codes = new Set(codesIn(doc));
  if (text !== "unknown" && refused !== undefined) codes.add(refused);
  return [...codes].map((code) => `\`${code}\``).join(", ") || (text === "unknown" ? "–" : "");
}

function codesIn(text) {
  return [...text.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)]
    .map(([, code]) => code)
    .filter((code) => CODES.has(code));
}

function cell(text) {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").trim();
}

/** The fields of an interface, those it extends included, with their doc comments. */
function membersOf(file, type) {
  const [, whole] = /^Partial<(.+)>$/.exec(type) ?? [];
  if (whole !== undefined) return membersOf(file, whole).map((member) => ({ ...member, isOptional: true }));
  const { source, program, comments } = parsed(file);
  const declaration = program.body
    .map((node) => node.declaration ?? node)
    .find((node) => node.id?.name === type);
  if (declaration === undefined) throw new Error(`${file} declares no ${type}`);
  const inherited = (declaration.extends ?? []).flatMap(({ expression, typeArguments }) => {
    const [wrapped, left] = typeArguments?.params ?? [];
    const base = /^(Omit|Partial|Pick)$/.test(expression.name) ? wrapped.typeName.name : expression.name;
    const names =
      left === undefined
        ? []
        : [...source.slice(left.start, left.end).matchAll(/"(\w+)"/g)].map(([, name]) => name);
    const members = membersOf(fileOf(file, base), base);
    if (expression.name === "Pick") return members.filter(({ name }) => names.includes(name));
    if (expression.name === "Partial") return members.map((member) => ({ ...member, isOptional: true }));
    return members.filter(({ name }) => !names.includes(name));
  });
  const body = declaration.body?.body ?? [];
  const own = body
    .filter(({ key }) => key !== undefined)
    .map((member) => ({
      name: member.key.name,
      isOptional: member.optional === true,
      text: typeText(source, member),
      doc: docBefore(source, comments, member.start),
    }));
  return [...new Map([...inherited, ...own].map((member) => [member.name, member])).values()];
}

function typeText(source, member) {
  const node = member.typeAnnotation?.typeAnnotation;
  const text =
    node === undefined ? source.slice(member.key.end, member.end) : source.slice(node.start, node.end);
  return text
    .replace(/\/\*[^]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/^\| /, "")
    .replace(/ \| undefined;?$/, "")
    .replace(/;$/, "");
}

function docBefore(source, comments, start) {
  const found = comments.findLast(({ end }) => end <= start && source.slice(end, start).trim() === "");
  return found?.type === "Block" && found.value.startsWith("*") ? plain(found.value) : "";
}

function plain(comment) {
  return comment.replace(/^\s*\*+ ?/gm, "").trim();
}

/** What a function or a method throws, by the `@throws` of its doc comment. */
function throwsOf(by) {
  const [, file, name] = /^(.+?):(\w+)/.exec(by) ?? [];
  const { source, comments } = parsed(file);
  const start = new RegExp(`^( *)(?:export )?(?:async )?(?:function )?${name}\\b[(<]`, "m").exec(
    source,
  )?.index;
  if (start === undefined) throw new Error(`${file} has no ${name}()`);
  const [, throws] =
    /@throws (?:LoophostError )?([^]*?)(?:\n@|$)/.exec(docBefore(source, comments, start)) ?? [];
  return throws && cell(throws);
}

function fileOf(from, name) {
  const { source } = parsed(from);
  if (new RegExp(`(interface|type) ${name}\\b`).test(source)) return from;
  const [, path] = new RegExp(`import[^;]*\\b${name}\\b[^;]*from "(\\.[^"]+)"`).exec(source) ?? [];
  if (path === undefined) throw new Error(`${from} does not say where ${name} is`);
  return new URL(path, `file:///${from}`).pathname.slice(1);
}

function parsed(file) {
  const source = readFileSync(ROOT + file, "utf8");
  return { source, ...parseSync(file, source) };
}

/** Every code there is, as core/errors.ts lists them. */
const CODES = new Set(
  [...readFileSync(`${ROOT}src/core/errors.ts`, "utf8").matchAll(/^  \| "(\w+)"/gm)].map(([, code]) => code),
);
const { pages, problems } = reference();
if (args.check) {
  for (const [path, text] of pages)
    if (wordsOf(readIfThere(path)) !== wordsOf(text))
      problems.push(`${path} is not what the source says: npm run reference`);
} else {
  mkdirSync(`${ROOT}docs/reference`, { recursive: true });
  for (const [path, text] of pages) writeFileSync(ROOT + path, text);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function readIfThere(path) {
  return existsSync(ROOT + path) ? readFileSync(ROOT + path, "utf8") : "";
}

/** The formatter lays tables out anew, and marks emphasis its own way. */
function wordsOf(text) {
  return text.replace(/[^A-Za-z0-9]+/g, " ");
}

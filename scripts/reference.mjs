// `npm run reference`: writes docs/reference/ from the doc comments of the options, and tells of each that has none.
// `--check` writes nothing, and tells where the pages differ.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parseSync } from "rolldown/utils";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The pages: a title, then what a user calls with the file and the interface of its options. */
const PAGES = {
  core: [
    "Agents, tools, runs and sessions",
    "defineAgent() core/agent.ts AgentDefinition",
    "limits core/agent.ts Limits",
    "defineTool() core/tool.ts ToolDefinition",
    "openSession() core/session.ts OpenOptions",
    "send(), resume() core/session.ts RunOptions",
    "run() core/session/run-once.ts RunOnceOptions",
    "budget() budget/budget.ts BudgetBounds",
  ],
  local: [
    "local() and its models",
    "local() providers/local/local.ts LocalOptions",
    "guards providers/local/guards.ts ModelGuards",
    "compaction providers/local/compaction.ts CompactionOptions",
    "anthropicMessages() providers/local/models/anthropic/index.ts AnthropicMessagesOptions",
    "openAICompatible() providers/local/models/openai/index.ts OpenAICompatibleOptions",
    "aiSdkModel() providers/local/models/ai-sdk/index.ts AiSdkModelOptions",
  ],
  claude: ["claude()", "claude() providers/claude/claude.ts ClaudeOptions"],
  agentcore: ["agentcore()", "agentcore() providers/agentcore/agentcore.ts AgentCoreOptions"],
  stores: [
    "Stores",
    "sqliteStore() stores/sqlite/index.ts SqliteStoreOptions",
    "memoryStore() stores/memory.ts MemoryStoreOptions",
    "postgresStore() stores/postgres/open.ts PostgresStoreOptions",
  ],
  server: [
    "The embedded host",
    "embeddedHost() server/options.ts EmbeddedHostOptions",
    "listen() server/options.ts ListenOptions",
  ],
};

/** The pages as text, by path, and what is missing in the doc comments they come from. */
function reference() {
  const problems = [];
  const pages = Object.entries(PAGES).map(([name, [title = "", ...parts]]) => {
    const sections = parts.map((part) => {
      const [, call = "", file = "", type = ""] = /^(.+) (\S+) (\S+)$/.exec(part) ?? [];
      return sectionOf(call, `src/${file}`, type, problems);
    });
    const head = `# ${title}\n\nWritten from the source by \`npm run reference\`. Numbers have their unit in the name: \`Ms\` is milliseconds.\nWhere the default is none, nothing of the kind is done or sent.\n`;
    return [`docs/reference/${name}.md`, [head, ...sections].join("\n")];
  });
  return { pages: new Map(pages), problems };
}

function sectionOf(call, file, type, problems) {
  const rows = membersOf(file, type).map(({ name, isOptional, text, doc }) => {
    const [, found] = /\bDefault(?:s to)?:? ([^]*?)(?:[.;](?:\s|$)|$)/.exec(doc) ?? [];
    if (doc === "") problems.push(`${file}: ${type}.${name} has no doc comment`);
    const byDefault = isOptional ? (found ?? "none") : "required";
    return `| \`${name}\` | \`${text.replaceAll("|", "\\|")}\` | ${cell(byDefault)} | ${cell(doc)} |`;
  });
  const { throws } = functionOf(file, call);
  const errors = throws === undefined ? "" : `\nErrors: ${throws}\n`;
  return `## ${call}\n\n| option | type | default | what it is |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n${errors}`;
}

function cell(text) {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").trim();
}

/** The fields of an interface, those it extends included, with their doc comments. */
function membersOf(file, type) {
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
  const names = new Set(own.map(({ name }) => name));
  return [...inherited.filter(({ name }) => !names.has(name)), ...own];
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

/** What the function of an options object throws, by its `@throws`. */
function functionOf(file, call) {
  const name = /^\w+/.exec(call)?.[0];
  const { source, program, comments } = parsed(file);
  const node = program.body.find(
    ({ declaration }) => declaration?.type === "FunctionDeclaration" && declaration.id.name === name,
  );
  if (node === undefined) return {};
  const [, throws] = /@throws ([^]*?)(?:\n@|$)/.exec(docBefore(source, comments, node.start)) ?? [];
  return { throws: throws && cell(throws) };
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

const { pages, problems } = reference();
if (process.argv.includes("--check")) {
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

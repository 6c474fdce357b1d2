/** The demo's agent: an analyst who looks into one folder with four tools, and cannot leave it. */

import type { Agent } from "../../core/agent.ts";
import { defineAgent } from "../../core/agent.ts";
import type { JsonSchema } from "../../core/json.ts";
import type { Tool } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";
import type { FileEntry, Folder } from "./folder.ts";

/** How much a result lists at most; the rest is counted. */
const MAX_LISTED = 200;
const MAX_RANKED = 10;
const MAX_MATCHES = 30;
const MAX_LINES = 400;
const MAX_CHARS = 15_000;

/** What `list_files` answers. */
export interface Listing {
  readonly total: number;
  readonly total_is_complete: boolean;
  readonly bytes: number;
  readonly files: readonly FileEntry[];
  readonly skipped: readonly string[];
}

/** What `measure` answers. */
export interface Measures {
  readonly text_files: number;
  readonly lines: number;
  readonly words: number;
  readonly bytes: number;
  readonly longest: readonly (FileEntry & { readonly lines: number; readonly words: number })[];
  readonly not_measured: readonly { readonly path: string; readonly reason: string }[];
}

/** What `search_text` answers. */
export interface Matches {
  readonly text: string;
  readonly lines: number;
  readonly files: number;
  readonly most: readonly { readonly path: string; readonly lines: number }[];
  readonly first: readonly { readonly path: string; readonly line: number; readonly text: string }[];
}

/** What `read_file` answers. */
export interface Page {
  readonly path: string;
  readonly lines: number;
  readonly first_line: number;
  readonly text: string;
}

/** Makes the analyst of a folder. */
export function analystOf(folder: Folder, model: string | undefined): Agent {
  return defineAgent({
    name: "analyst",
    model,
    instructions:
      "You look into a folder of files with your tools. Measure and read rather than guess. " +
      "Answer in plain text, in a few short sentences, with the figures you found.",
    tools: [listFiles(folder), measure(folder), searchText(folder), readFile(folder)],
  });
}

function listFiles(folder: Folder): Tool {
  return defineTool({
    name: "list_files",
    description: "Lists the files of a folder and its subfolders, with their sizes in bytes.",
    input: inputs({ path: PATH }),
    execute: async (input): Promise<Listing> => {
      const { files, skipped, isCut } = await folder.walk(pathIn(input));
      return {
        total: files.length,
        total_is_complete: !isCut,
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        files: files.slice(0, MAX_LISTED),
        skipped: skipped.slice(0, MAX_LISTED),
      };
    },
  });
}

function measure(folder: Folder): Tool {
  return defineTool({
    name: "measure",
    description: "Counts lines, words and bytes of a file, or of the text files of a folder.",
    input: inputs({ path: PATH }),
    execute: async (input): Promise<Measures> => {
      const measured: Measures["longest"][number][] = [];
      const unread: Measures["not_measured"][number][] = [];
      for await (const read of readTexts(folder, pathIn(input))) {
        const { file, text } = read;
        if (text === undefined) unread.push({ path: file.path, reason: read.reason });
        else measured.push({ ...file, lines: linesOf(text).length, words: text.match(/\S+/g)?.length ?? 0 });
      }
      const sum = (what: "bytes" | "lines" | "words") => measured.reduce((n, file) => n + file[what], 0);
      return {
        text_files: measured.length,
        lines: sum("lines"),
        words: sum("words"),
        bytes: sum("bytes"),
        longest: measured.toSorted((a, b) => b.words - a.words).slice(0, MAX_RANKED),
        not_measured: unread.slice(0, MAX_LISTED),
      };
    },
  });
}

function searchText(folder: Folder): Tool {
  return defineTool({
    name: "search_text",
    description: "Finds the lines that contain a text, in a file or a folder. Case does not matter.",
    input: inputs({ text: { type: "string", minLength: 1 }, path: PATH }, ["text"]),
    execute: async (input): Promise<Matches> => {
      const text = String(input["text"]);
      const wanted = text.toLowerCase();
      const first: Matches["first"][number][] = [];
      const perFile: Matches["most"][number][] = [];
      for await (const { file, text: content = "" } of readTexts(folder, pathIn(input))) {
        let lines = 0;
        for (const [index, line] of linesOf(content).entries()) {
          if (!line.toLowerCase().includes(wanted)) continue;
          lines += 1;
          if (first.length < MAX_MATCHES)
            first.push({ path: file.path, line: index + 1, text: line.trim().slice(0, 200) });
        }
        if (lines > 0) perFile.push({ path: file.path, lines });
      }
      return {
        text,
        lines: perFile.reduce((n, { lines }) => n + lines, 0),
        files: perFile.length,
        most: perFile.toSorted((a, b) => b.lines - a.lines).slice(0, MAX_RANKED),
        first,
      };
    },
  });
}

function readFile(folder: Folder): Tool {
  return defineTool({
    name: "read_file",
    description: `Reads a text file from a line on: at most ${MAX_LINES} lines, ${MAX_CHARS} characters.`,
    input: inputs({ path: { type: "string" }, first_line: { type: "integer", minimum: 1 } }, ["path"]),
    execute: async (input): Promise<Page> => {
      const path = pathIn(input);
      const { files } = await folder.walk(path);
      const [file] = files;
      if (file === undefined || files.length > 1) throw new Error(`${path} is not a file`);
      const read = await folder.read(file);
      if ("reason" in read) throw new Error(`${path} is ${read.reason}`);
      const lines = linesOf(read.text);
      const start = Number(input["first_line"] ?? 1);
      return {
        path: file.path,
        lines: lines.length,
        first_line: start,
        text: lines
          .slice(start - 1, start - 1 + MAX_LINES)
          .join("\n")
          .slice(0, MAX_CHARS),
      };
    },
  });
}

const PATH: JsonSchema = { type: "string", description: "A path inside the folder. Default: all of it." };

function inputs(properties: JsonSchema, required: readonly string[] = []): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

function pathIn(input: Record<string, unknown>): string {
  const { path } = input;
  return typeof path === "string" && path !== "" ? path : ".";
}

type ReadText =
  | { readonly file: FileEntry; readonly text: string }
  | { readonly file: FileEntry; readonly text?: undefined; readonly reason: string };

/** Reads the files under a path one after the other, so that only one is held at a time. */
async function* readTexts(folder: Folder, path: string): AsyncGenerator<ReadText> {
  const { files } = await folder.walk(path);
  for (const file of files) yield { file, ...(await folder.read(file)) };
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  // A line break ends the last line; it does not begin another.
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

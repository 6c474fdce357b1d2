/**
 * The model of the demo when there is no real one: a fixed plan whose every step is made of what the tools answered
 * before, and a report computed from those answers. No language model, and the demo says so.
 */

import { resultText } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { ModelFunction, ModelPart } from "../../providers/local/models/function-model.ts";
import { count, formatBytes, shorten } from "../screen/format.ts";
import type { Listing, Matches, Measures, Page } from "./analyst.ts";

/** Surveys a folder: lists, measures, reads the two longest files, searches for the word they use most, reports. */
export const scriptedAnalyst: ModelFunction = ({ messages }) => {
  const [listing] = answersOf<Listing>("list_files", messages);
  const [measures] = answersOf<Measures>("measure", messages);
  const pages = answersOf<Page>("read_file", messages);
  const [matches] = answersOf<Matches>("search_text", messages);

  const asks = (name: string, ...inputs: object[]): ModelPart[] => {
    if (messages.some((message) => message.role === "tool" && message.results.some((r) => r.name === name)))
      return [];
    return inputs.map((input, index) => ({ type: "tool_call", id: `${name}_${index}`, name, input }));
  };
  const hasFiles = listing !== undefined && listing.total > 0;
  const longest = measures?.longest.slice(0, 2) ?? [];
  const word = mostUsedWord(pages);
  const plan = [
    asks("list_files", {}),
    hasFiles ? asks("measure", {}) : [],
    asks("read_file", ...longest.map(({ path }) => ({ path }))),
    word === undefined ? [] : asks("search_text", { text: word }),
  ];
  return plan.find((calls) => calls.length > 0) ?? report({ listing, measures, pages, matches });
};

/** What a tool answered, as often as it was called; failed calls left out. */
function answersOf<T>(name: string, messages: readonly TranscriptMessage[]): T[] {
  return messages
    .flatMap((message) => (message.role === "tool" ? message.results : []))
    .filter((answer) => answer.name === name && !answer.result.isError)
    .map(({ result }): T => JSON.parse(resultText(result)));
}

interface Findings {
  readonly listing: Listing | undefined;
  readonly measures: Measures | undefined;
  readonly pages: readonly Page[];
  readonly matches: Matches | undefined;
}

function report({ listing, measures, pages, matches }: Findings): string {
  if (listing === undefined) return "The folder could not be listed.";
  const passedOver = listing.skipped.length === 0 ? "" : ` Passed over: ${some(listing.skipped)}.`;
  if (listing.total === 0) return `The folder holds no files.${passedOver}`;
  const atLeast = listing.total_is_complete ? "" : "at least ";
  const sentences = [
    `The folder holds ${atLeast}${count(listing.total, "file")}, ${formatBytes(listing.bytes)}.${passedOver}`,
  ];
  if (measures !== undefined) {
    const { text_files: texts, lines, words, not_measured: rest } = measures;
    sentences.push(
      texts === 0
        ? "None of them is text."
        : `${count(texts, "text file")} ${texts === 1 ? "has" : "have"} ${count(lines, "line")} and ${count(words, "word")}.`,
    );
    if (rest.length > 0)
      sentences.push(`Not measured: ${some(rest.map(({ path, reason }) => `${path} (${reason})`))}.`);
    const [first] = measures.longest;
    const opening = pages
      .find(({ path }) => path === first?.path)
      ?.text.split("\n")
      .find((line) => line.trim() !== "");
    if (first !== undefined)
      sentences.push(
        `The longest is ${first.path}, ${count(first.words, "word")}; it opens with "${shorten(opening ?? "", 60)}".`,
      );
  }
  if (matches !== undefined) {
    const [most] = matches.most;
    sentences.push(
      `The word used most in ${pages.map(({ path }) => path).join(" and ")} is "${matches.text}": ` +
        `${count(matches.lines, "line")} of ${count(matches.files, "file")} ${matches.lines === 1 ? "has" : "have"} it` +
        (most === undefined ? "." : `, most of all ${most.path} (${most.lines}).`),
    );
  }
  return sentences.join("\n");
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** Words that run through every text and say nothing about this one. */
const COMMON: ReadonlySet<string> = new Set(
  "about after again before being between could every first other should since still their there these thing those through under until where which while without would".split(
    " ",
  ),
);

function mostUsedWord(pages: readonly Page[]): string | undefined {
  const uses = new Map<string, number>();
  for (const [word] of pages.flatMap(({ text }) => [...text.toLowerCase().matchAll(/\p{L}{5,}/gu)]))
    if (!COMMON.has(word)) uses.set(word, (uses.get(word) ?? 0) + 1);
  return [...uses].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
}

/** What the requests of `loophost verify` cost, about, so that whoever says yes knows to what. */

import { count } from "../screen/format.ts";

/** US dollars for a million tokens. */
export interface ListPrice {
  readonly input: number;
  readonly output: number;
}

/** List prices of the makers of these models, as their price pages had them in November 2026; an invoice may say otherwise. */
const LIST_PRICES: ReadonlyMap<string, ListPrice> = new Map([
  ["claude-opus-5", { input: 5, output: 25 }],
  ["claude-sonnet-5", { input: 2, output: 10 }],
  ["claude-sonnet-5-5", { input: 2, output: 10 }],
  ["claude-haiku-4-5", { input: 1, output: 5 }],
  ["gpt-5", { input: 1.25, output: 10 }],
  ["gpt-5-mini", { input: 0.25, output: 2 }],
  ["gpt-5-nano", { input: 0.05, output: 0.4 }],
]);

/** What a request of these scenarios has of tokens, about. */
const TOKENS_IN = 700;
const TOKENS_OUT = 120;

/** Reads `<in>/<out>`, dollars for a million tokens; undefined for what is none. */
export function readPrice(given: string): ListPrice | undefined {
  const [, input, output] = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(given) ?? [];
  return input === undefined ? undefined : { input: Number(input), output: Number(output) };
}

/** The list price of a model at its maker's own service; elsewhere it costs what they ask there. */
export function listPriceOf(model: string | undefined, isMakersOwn: boolean): ListPrice | undefined {
  return isMakersOwn ? LIST_PRICES.get(model ?? "") : undefined;
}

/** What so many requests take and cost, in words. */
export function priceInWords(
  requests: number,
  price: ListPrice | undefined,
  besides: string | undefined,
): string {
  const [input, output] = [requests * TOKENS_IN, requests * TOKENS_OUT];
  const takes = `about ${count(requests, "request")} to a model, some ${count(input, "token")} in and ${output.toLocaleString("en-US")} out`;
  const more = besides === undefined ? "" : `, and on top ${besides}`;
  if (price === undefined)
    return `${takes}; no price is known here for these (--price <in>/<out> sets one)${more}.`;
  const dollars = (input * price.input + output * price.output) / 1e6;
  return `${takes}: some ${dollars.toFixed(2)} USD, at ${price.input}/${price.output} for a million tokens${more}.`;
}

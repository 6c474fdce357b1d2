/**
 * The calls of a chat completion, put together from their fragments.
 *
 * Where a fragment belongs is decided by what it says, its id, its name, whether the arguments before it are complete, and
 * by its index only where those say nothing: servers number all calls 0, leave indexes out, repeat ids or send null for them. A
 * fragment that belongs nowhere makes the reply worthless: without it a call would run with input that was not sent.
 */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";

/** A call, in the form this wire has it. */
export interface ChatCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** Puts the calls of one reply together. */
export class ChatCalls {
  readonly #service: string;
  readonly #calls: OpenCall[] = [];

  constructor(service: string) {
    this.#service = service;
  }

  get count(): number {
    return this.#calls.length;
  }

  /**
   * Takes a fragment of a stream.
   *
   * @throws LoophostError `host_protocol` for one that belongs to no call
   */
  add(sent: Record<string, unknown>): void {
    const fragment = readFragment(sent);
    const found = this.#find(fragment);
    if (found !== undefined && isRepeat(found, fragment)) return;
    const call = found ?? this.#begin(fragment);
    if (call.id === "") call.id = fragment.id;
    if (call.name === "") call.name = fragment.name;
    call.arguments += fragment.arguments;
    for (const [name, value] of fragment.extra) call.extra.set(name, value);
  }

  /** Takes a call that came in one piece. */
  addWhole(sent: Record<string, unknown>): void {
    const fragment = readFragment(sent);
    this.#begin(fragment).arguments = fragment.arguments;
  }

  /** The calls, each with an id of its own: results find their calls by it, and some servers leave it out or repeat it. */
  finish(): readonly ChatCall[] {
    const taken = new Set<string>();
    return this.#calls.map(({ id, name, arguments: text, extra }) => {
      const unique = id === "" || taken.has(id) ? `call_${crypto.randomUUID()}` : id;
      taken.add(unique);
      return {
        id: unique,
        type: "function",
        function: { name, arguments: text },
        // Fields of a server's own, such as signatures, go back with the call.
        ...Object.fromEntries(extra),
      };
    });
  }

  /** The call a fragment goes on with; undefined when it begins one. */
  #find(fragment: Fragment): OpenCall | undefined {
    const { index, id, name } = fragment;
    const known = id === "" ? undefined : this.#calls.findLast((call) => call.id === id);
    const numbered = index === undefined ? undefined : this.#calls.findLast((call) => call.index === index);
    const call = known ?? numbered ?? (name === "" && !fragment.isNamed ? this.#calls.at(-1) : undefined);
    if (call === undefined || name === "") return call;
    const isOther =
      (id !== "" && call.id !== "" && id !== call.id) ||
      (name !== call.name && call.name !== "") ||
      (fragment.arguments !== "" && isComplete(call.arguments) && !isRepeat(call, fragment));
    return isOther ? undefined : call;
  }

  #begin({ index, id, name, isNamed, arguments: text }: Fragment): OpenCall {
    // A call starts with its name. A fragment without one belongs to a call that never came.
    if (name === "" && text !== "" && !isNamed)
      throw new LoophostError(
        "host_protocol",
        `${this.#service} sent arguments that belong to no call: ${JSON.stringify(text.slice(0, 100))}.`,
        { mayRetry: true },
      );
    const call = { index, id, name, arguments: "", extra: new Map<string, unknown>() };
    this.#calls.push(call);
    return call;
  }
}

interface OpenCall {
  readonly index: number | undefined;
  id: string;
  name: string;
  arguments: string;
  readonly extra: Map<string, unknown>;
}

interface Fragment {
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  /** Whether it has an id and a name, empty as that may be: the model called a tool without one. */
  readonly isNamed: boolean;
  readonly arguments: string;
  readonly extra: readonly (readonly [string, unknown])[];
}

/** Reads a fragment: null is the same as absent, and arguments may come as an object. */
function readFragment(sent: Record<string, unknown>): Fragment {
  const { index, id, type: _, function: given, ...extra } = sent;
  const part = isObject(given) ? given : {};
  const { name, arguments: input } = part;
  return {
    index: typeof index === "number" ? index : undefined,
    id: typeof id === "string" ? id : typeof id === "number" ? String(id) : "",
    name: typeof name === "string" ? name : "",
    isNamed: typeof name === "string" && (typeof id === "string" ? id !== "" : typeof id === "number"),
    arguments:
      typeof input === "string"
        ? input
        : isObject(input) || Array.isArray(input)
          ? JSON.stringify(input)
          : "",
    extra: Object.entries(extra),
  };
}

/** Whether a fragment says all of a call again: the same id, index and arguments. Taken for another call, it would run twice. */
function isRepeat(call: OpenCall, { index, id, arguments: text }: Fragment): boolean {
  return (
    id !== "" &&
    call.id === id &&
    index !== undefined &&
    call.index === index &&
    call.arguments === text &&
    isComplete(text)
  );
}

/** Whether a call has all of its arguments: only an object can be. */
function isComplete(text: string): boolean {
  if (!text.trimEnd().endsWith("}")) return false;
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

// Providers with one fault each, and the cases of the contract that notice it: those, and no others.

import type { HostEvent, HostInput } from "loophost";
import type { MakeHost } from "loophost/testing";

import { localHost } from "./hosts.ts";

/** A provider that breaks its word in one respect. */
export interface BrokenProvider {
  readonly makeHost: MakeHost;
  /** The cases that fail. */
  readonly fails: readonly string[] | "all";
}

/** How a provider lies: about what the host tells, about what it is sent, or about itself. */
interface Lies {
  /** What is told in place of an event; a new function for each session. */
  readonly tells?: () => (event: HostEvent) => readonly HostEvent[];
  /** What is sent in place of inputs. */
  readonly sends?: () => (inputs: readonly HostInput[]) => readonly HostInput[];
  readonly sessionId?: string;
  /** Told with the first input to a session that was attached to. */
  readonly onAttach?: readonly HostEvent[];
  readonly onClose?: () => Promise<void>;
}

function lying(lies: Lies): MakeHost {
  return async (turns) => {
    const host = await localHost(turns);
    return {
      ...host,
      provider() {
        const honest = host.provider();
        return {
          ...honest,
          async open(request) {
            const tells = lies.tells?.();
            const sends = lies.sends?.();
            const emit = (event: HostEvent) => (tells?.(event) ?? [event]).forEach(request.emit);
            const connection = await honest.open({ ...request, emit });
            const stale = request.sessionId === undefined ? [] : [...(lies.onAttach ?? [])];
            return {
              ...connection,
              sessionId: lies.sessionId ?? connection.sessionId,
              async send(inputs, signal) {
                const sent = sends?.(inputs) ?? inputs;
                if (sent.length > 0) await connection.send(sent, signal);
                stale.splice(0).forEach(request.emit);
              },
              catchUp: () => connection.catchUp(),
              transcript: () => connection.transcript(),
              async close() {
                await connection.close();
                await lies.onClose?.();
              },
            };
          },
        };
      },
    };
  };
}

/** Changes the calls that are told. */
const calls =
  (change: (call: Extract<HostEvent, { type: "call" }>) => readonly HostEvent[]) => (event: HostEvent) =>
    event.type === "call" ? change(event) : [event];

/** Changes the results that are sent. */
const results =
  (change: (result: Extract<HostInput, { type: "tool_result" }>) => HostInput) =>
  (inputs: readonly HostInput[]) =>
    inputs.map((input) => (input.type === "tool_result" ? change(input) : input));

/** What is wrong with each. */
export const brokenProviders: Readonly<Record<string, BrokenProvider>> = {
  "cuts long texts": {
    makeHost: lying({
      tells: () => (event) =>
        event.type === "message" ? [{ ...event, text: event.text.slice(0, 10_000) }] : [event],
    }),
    fails: ["any text arrives as it is, both ways"],
  },
  "tells a turn's beginning twice": {
    makeHost: lying({ tells: () => (event) => (event.type === "turn.began" ? [event, event] : [event]) }),
    fails: [
      "a call runs once with its input, and its result is heard once",
      "a later message of the session has calls of its own",
      "a message is heard once and gets its reply",
      "a run of 200 turns ends as one of two does",
      "a run's events come whole, once, and in order",
      "attached to by its id, a session goes on, and nothing of its past runs or is told again",
    ],
  },
  "tells messages twice": {
    makeHost: lying({ tells: () => (event) => (event.type === "message" ? [event, event] : [event]) }),
    fails: [
      "a call of a tool that does not exist is answered with an error, and the run goes on",
      "a call runs once with its input, and its result is heard once",
      "a call that waits for an approval when the session is closed runs once it is attached to and approved",
      "a later message of the session has calls of its own",
      "a message is heard once and gets its reply",
      "a run of 200 turns ends as one of two does",
      "a run whose signal aborts fails with aborted, and the next message gets its own reply",
      "a run's events come whole, once, and in order",
      "a tool that fails is heard as an error, and the run goes on",
      "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply",
      "an interrupt while the model replies ends the run, and the next message gets its own reply",
      "an interrupt with nothing open does nothing",
      "any text arrives as it is, both ways",
      "attached to by its id, a session goes on, and nothing of its past runs or is told again",
      "calls of one turn all run, and each result goes to its call",
      "the messages of a session are heard in order, and each run gets its own reply",
    ],
  },
  "gives all sessions one id": {
    makeHost: lying({ sessionId: "the-one" }),
    fails: ["a session has an id of its own, the same in session and result"],
  },
  "takes 100 results and no more": {
    makeHost: lying({
      sends: () => {
        let sent = 0;
        return (inputs) => {
          sent += 1;
          return sent > 100 ? [] : inputs;
        };
      },
    }),
    fails: ["a run of 200 turns ends as one of two does"],
  },
  "sends a message once and swallows the next": {
    makeHost: lying({
      sends: () => {
        let messages = 0;
        return (inputs) => {
          if (inputs.some(({ type }) => type === "message")) messages += 1;
          return messages > 1 ? [] : inputs;
        };
      },
    }),
    fails: [
      "a later message of the session has calls of its own",
      "a run whose signal aborts fails with aborted, and the next message gets its own reply",
      "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply",
      "an interrupt while the model replies ends the run, and the next message gets its own reply",
      "an interrupt with nothing open does nothing",
      "the messages of a session are heard in order, and each run gets its own reply",
    ],
  },
  "takes calls with the same input for one": {
    makeHost: lying({
      tells: () => {
        const seen = new Set<string>();
        return calls((call) => {
          const key = JSON.stringify([call.name, call.input]);
          if (seen.has(key)) return [];
          seen.add(key);
          return [call];
        });
      },
    }),
    fails: ["two calls with the same name and input are two calls"],
  },
  "tells each call under a new id again": {
    makeHost: lying({ tells: () => calls((call) => [call, { ...call, id: `${call.id}_again` }]) }),
    fails: [
      "a call runs once with its input, and its result is heard once",
      "a call that waits for an approval when the session is closed runs once it is attached to and approved",
      "a later message of the session has calls of its own",
      "a run of 200 turns ends as one of two does",
      "a run's events come whole, once, and in order",
      "an input arrives as it was given",
      "attached to by its id, a session goes on, and nothing of its past runs or is told again",
      "calls of one turn all run, and each result goes to its call",
      "two calls with the same name and input are two calls",
    ],
  },
  "flattens inputs": {
    makeHost: lying({
      tells: () =>
        calls(({ input, ...call }) => [
          { ...call, input: JSON.parse(JSON.stringify(input, (_, v) => (Array.isArray(v) ? String(v) : v))) },
        ]),
    }),
    fails: ["an input arrives as it was given"],
  },
  "gives each result to the next call": {
    makeHost: lying({
      sends: () => (inputs) => {
        const given = inputs.flatMap((input) => (input.type === "tool_result" ? [input.result] : []));
        let next = 1;
        return inputs.map((input) =>
          input.type === "tool_result"
            ? { ...input, result: given[next++ % given.length] ?? input.result }
            : input,
        );
      },
    }),
    fails: ["calls of one turn all run, and each result goes to its call"],
  },
  "hides that a tool failed": {
    makeHost: lying({
      sends: () => results((sent) => ({ ...sent, result: { ...sent.result, isError: false } })),
    }),
    fails: [
      "a call of a tool that does not exist is answered with an error, and the run goes on",
      "a tool that fails is heard as an error, and the run goes on",
    ],
  },
  "never interrupts": {
    makeHost: lying({ sends: () => (inputs) => inputs.filter(({ type }) => type !== "interrupt") }),
    fails: [
      "a run whose signal aborts fails with aborted, and the next message gets its own reply",
      "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply",
      "an interrupt while the model replies ends the run, and the next message gets its own reply",
    ],
  },
  "tells the last message of the past as a new one": {
    makeHost: lying({ onAttach: [{ type: "message", text: "the past" }] }),
    fails: [
      "a call that waits for an approval when the session is closed runs once it is attached to and approved",
      "attached to by its id, a session goes on, and nothing of its past runs or is told again",
    ],
  },
  "tells an answered call of the past as an open one": {
    makeHost: lying({
      onAttach: [{ type: "call", id: "past", name: "double", input: { n: 3 } }],
    }),
    fails: ["attached to by its id, a session goes on, and nothing of its past runs or is told again"],
  },
  "never ends closing": { makeHost: lying({ onClose: () => new Promise(() => undefined) }), fails: "all" },
};

// What a test file can leave behind in its process, which the files after it share: compared before and after each file.

/** The state of this process that a test can change without owning it, by name. */
export type ProcessState = ReadonlyMap<string, string>;

/** vitest's own, set anew for each file. */
const VITEST = /^(VITEST.*|TEST|NODE_ENV|SSR)$/;
/** Those whose listeners decide whether a process ends; libraries listen for others as soon as they are loaded. */
const ENDS = /^(SIG|uncaught|unhandled)/;

/** Takes down what the process is like now. */
export function processState(): ProcessState {
  const variables = Object.entries(process.env).filter(([name]) => !VITEST.test(name));
  return new Map([
    ...variables.map(([name, value]) => [`variable ${name}`, value ?? ""] as const),
    ...process
      .eventNames()
      .filter((name) => ENDS.test(String(name)))
      .map((name) => [`listeners of "${String(name)}"`, String(process.listenerCount(name))] as const),
    ["working directory", process.cwd()],
    ["exit code", String(process.exitCode)],
  ]);
}

/** Names what is not as it was; values are left out, since a variable may be a secret. */
export function leftBehind(before: ProcessState, after: ProcessState = processState()): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
}

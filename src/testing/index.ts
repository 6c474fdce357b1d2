/** The public testing kit: scripted hosts and hand-set time. */

export type { ManualClock } from "./manual-clock.ts";
export { manualClock, settle } from "./manual-clock.ts";
export type { Script, ScriptedProvider, ScriptedTurn } from "./scripted-provider.ts";
export { scriptedProvider } from "./scripted-provider.ts";

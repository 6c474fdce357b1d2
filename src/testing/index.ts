/** The public testing kit: scripted hosts and hand-set time. */

export type { ManualClock } from "./manual-clock.ts";
export { manualClock, settle } from "./manual-clock.ts";
export type { OpenStore, StoreCase } from "./store-contract.ts";
export { storeContract } from "./store-contract.ts";
export type { Script, ScriptedProvider, ScriptedTurn } from "./scripted-provider.ts";
export { scriptedProvider } from "./scripted-provider.ts";

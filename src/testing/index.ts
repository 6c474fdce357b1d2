/** The public testing kit: scripted hosts and hand-set time. */

export type { FaultyStore, StoreCall, StoreFault } from "./faulty-store.ts";
export { faultyStore } from "./faulty-store.ts";
export type { ManualClock } from "./manual-clock.ts";
export { manualClock, settle } from "./manual-clock.ts";
export type { OpenStore, PassTime, StoreCase } from "./store-case.ts";
export { storeContract } from "./store-contract.ts";
export type { Script, ScriptedProvider, ScriptedTurn } from "./scripted-provider.ts";
export { scriptedProvider } from "./scripted-provider.ts";

/** The public testing kit: scripted hosts and hand-set time. */

export type { ActivationHost, Engine, EngineWorker, Rest, Wake } from "../core/engine.ts";
export type { RecordedEntry, Recording, RecordingHead } from "../core/recording.ts";
export type { EngineCase, EnginePlace, SharedEnginePlace } from "./engine-contract/case.ts";
export { engineContract } from "./engine-contract/index.ts";
export { sharedEngineContract } from "./engine-contract/shared-cases.ts";
export type { StoreCall } from "./faults/around-store.ts";
export type { FaultyStore, StoreFault } from "./faults/store.ts";
export { faultyStore } from "./faults/store.ts";
export type { ManualClock } from "./manual-clock.ts";
export { manualClock, settleMicrotasks } from "./manual-clock.ts";
export type {
  ContractCall,
  ContractFaults,
  ContractHost,
  ContractTurn,
  Heard,
  MakeHost,
  ProviderCase,
} from "./provider-contract/case.ts";
export { providerContract } from "./provider-contract/index.ts";
export { replayProvider } from "./replay-provider.ts";
export type { StepDifference } from "./replay-steps.ts";
export { replaySteps } from "./replay-steps.ts";
export type { OpenStore, PassTime, StoreCase } from "./store-contract/case.ts";
export { storeContract } from "./store-contract/index.ts";
export type { Script, ScriptedProvider, ScriptedTurn } from "./scripted-provider.ts";
export { scriptedProvider } from "./scripted-provider.ts";

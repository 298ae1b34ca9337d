/** The workflow bundle's entry: the one barrel there is. */
export { courier } from "./courier.ts";
export { gate } from "./gate.ts";
export { lifecycle } from "./lifecycle.ts";
export { monitorSweep, predictionWatch } from "./monitor-sweep.ts";
export { proposal } from "./proposal.ts";
export { release } from "./release.ts";
export { reproduction } from "./reproduction.ts";
export { retention } from "./retention.ts";
export { suggestContract } from "./suggest-contract.ts";

/** What the burst benchmark sends, and what it sends it to. */
export const BURST = { inputs: 2_000, inputMs: 50, containers: 8, inputsPerContainer: 10 };

/** How long it would take if every container were there at once and nothing but the inputs took time. */
export const BURST_IDEAL_MS = (BURST.inputs * BURST.inputMs) / (BURST.containers * BURST.inputsPerContainer);

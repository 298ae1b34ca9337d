export function ensureTemporalCli(options?: { env?: NodeJS.ProcessEnv }): Promise<string>;

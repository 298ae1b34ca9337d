export function packagesFault(root: string): Promise<string | null>;

import { lstat, symlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes `npx countersign` work in the checkout: npm links the commands of the packages that it
 * installs, but not those of the project itself.
 */
export async function ensureCommandLink({ root }) {
  const link = join(root, "node_modules", ".bin", "countersign");
  const isThere = await lstat(link).then(
    () => true,
    () => false,
  );
  // Windows lets only administrators make links; there it is `node cli/countersign.mjs`.
  if (isThere || process.platform === "win32") return;
  await symlink(join("..", "..", "cli", "countersign.mjs"), link).catch(() => undefined);
}

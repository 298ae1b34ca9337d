import { workflowIds } from "../domain/ids.ts";
import type { ControlContext } from "./deps.ts";

type LinkContext = Pick<ControlContext, "publicUrl" | "temporalUiUrl" | "temporal">;

export function temporalLink(context: LinkContext, workflowId: string): string {
  if (context.temporalUiUrl === null) return "";
  return `${context.temporalUiUrl}/namespaces/${context.temporal.options.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}

export function modelLinks(context: LinkContext, model: string) {
  return {
    self: `/api/models/${model}`,
    console: `${context.publicUrl}/models/${model}`,
    temporal: temporalLink(context, workflowIds.lifecycle(model)),
  };
}

export function releaseLinks(context: LinkContext, release: string) {
  return {
    self: `/api/releases/${release}`,
    console: `${context.publicUrl}/releases/${release}`,
    temporal: temporalLink(context, workflowIds.release(release)),
  };
}

export function versionLinks(context: LinkContext, version: string) {
  return {
    self: `/api/versions/${version}`,
    console: `${context.publicUrl}/releases/${version}`,
    temporal: temporalLink(context, workflowIds.release(version)),
  };
}

export function gateLinks(context: LinkContext, gate: string, release: string | null) {
  return {
    self: `/api/gates/${gate}`,
    console: `${context.publicUrl}/gates/${gate}`,
    release: release === null ? null : `/api/releases/${release}`,
    temporal: temporalLink(context, workflowIds.gate(gate)),
  };
}

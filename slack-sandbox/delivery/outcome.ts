/** What became of a request to the app. */
export interface Outcome {
  /** Answered 200 within three seconds. */
  ok: boolean;
  status: number | null;
  tookMs: number;
  error: null | "timeout" | "http_error" | "connection_failed" | "no_url";
  deliveryId: string;
  actionTs: string | null;
  triggerId: string | null;
  body: string;
}

export type DeliveryKind =
  | "block_actions"
  | "view_submission"
  | "view_closed"
  | "command"
  | "event_callback"
  | "url_verification";

export interface Delivery {
  id: string;
  kind: DeliveryKind;
  at: number;
  tookMs: number | null;
  status: number | null;
  error: Outcome["error"];
  body: string;
  headers: Record<string, string>;
  retryNum: number;
  over: "http" | "socket";
}

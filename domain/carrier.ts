import type { Notice } from "./notices.ts";

/** Where a message is: Slack's channel and timestamp. Mails and webhooks have a timestamp of their own making. */
export interface MessagePlace {
  channel: string | null;
  ts: string;
}

export interface Outgoing {
  /** The delivery's id: sent along, so that a message whose answer was lost is found again. */
  id: string;
  destination: string;
  notice: Notice;
  /** The message in whose thread it belongs. */
  parent: MessagePlace | null;
  /** Where it is already: it is changed there. */
  place: MessagePlace | null;
  /** When it was tried first, if it may have arrived; it is looked for before it is sent again. */
  triedSince: Date | null;
}

/** Brings messages to people by one way. Throws CarrierFault. */
export interface Carrier {
  /** Of what would be sent: the same digest needs no second sending. */
  digestOf(notice: Notice): string;
  send(message: Outgoing): Promise<MessagePlace>;
}

/**
 * What became of a message that was not sent. `later`: nothing is wrong with it, try again. `gone`:
 * the message that should be changed is not there any more. `place`: nobody reads there (unknown,
 * archived, not joined). `setup`: the way itself is not usable until an operator cures it. `refused`:
 * it will never be taken as it is.
 */
export type CarrierFaultKind = "later" | "gone" | "place" | "setup" | "refused";

export class CarrierFault extends Error {
  readonly kind: CarrierFaultKind;
  /** The other side's own name for it, such as `channel_not_found`. */
  readonly code: string;
  readonly cure: string;
  readonly retryAfterMs: number | null;
  /** False where the answer was lost: it may have arrived. */
  readonly surelyNotSent: boolean;

  constructor(
    kind: CarrierFaultKind,
    message: string,
    more: { code: string; cure?: string; retryAfterMs?: number | null; surelyNotSent?: boolean; cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "CarrierFault";
    this.kind = kind;
    this.code = more.code;
    this.cure = more.cure ?? "It is tried again by itself.";
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.surelyNotSent = more.surelyNotSent ?? true;
  }
}

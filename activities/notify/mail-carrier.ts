import { createHash } from "node:crypto";
import { createTransport } from "nodemailer";
import { CarrierFault, type Carrier } from "../../domain/carrier.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { noticeLines, noticeTitle } from "../../domain/notice-text.ts";
import type { Notice } from "../../domain/notices.ts";

export interface MailOptions {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  url: string;
  from: string;
}

const timeouts = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 };

/**
 * Mails over SMTP: plain text with a link to the page where one decides after signing in; no link in
 * it decides anything. A mail has the delivery's id as its Message-ID, so that a second one after a
 * lost answer is the same mail to those who sort by it.
 */
export function createMailCarrier({ url, from }: MailOptions): Carrier & { close(): void } {
  const transport = createTransport({ url, pool: true, maxConnections: 2, ...timeouts });
  return {
    digestOf: (notice) => digestOfJson(mailOf(notice)),
    async send({ id, destination, notice }) {
      const messageId = `<${createHash("sha256").update(id).digest("hex").slice(0, 32)}@countersign>`;
      const { subject, text } = mailOf(notice);
      try {
        await transport.sendMail({
          from,
          to: destination,
          subject,
          text,
          messageId,
          // Nobody's holiday notice should come back.
          headers: { "auto-submitted": "auto-generated", "x-auto-response-suppress": "All" },
        });
      } catch (error) {
        throw faultOf(error);
      }
      return { channel: null, ts: messageId };
    },
    close: () => transport.close(),
  };
}

function mailOf(notice: Notice): { subject: string; text: string } {
  const subject = noticeTitle(notice).replaceAll(/\s+/g, " ").slice(0, 200);
  const lines = [noticeTitle(notice), "", ...noticeLines(notice), "", linkLine(notice), "", "Countersign"];
  return { subject, text: lines.join("\n") };
}

function linkLine(notice: Notice): string {
  const asks = notice.kind === "gate" || (notice.kind === "gate-event" && notice.what !== "closed" && notice.what !== "outcome");
  return `${asks ? "Review and decide" : "Look at it"}: ${notice.links.console}`;
}

interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
  command?: string;
}

function faultOf(thrown: unknown): CarrierFault {
  const error: SmtpError = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = error.code ?? "smtp";
  const answered = error.responseCode !== undefined;
  const told = { code, cause: error, surelyNotSent: answered || error.command === "CONN" || code === "ECONNECTION" };
  const words = `The mail server said: ${error.message.split("\n")[0] ?? code}`;
  if (code === "EAUTH")
    return new CarrierFault("setup", words, { ...told, cure: "Correct user and password in COUNTERSIGN_SMTP_URL." });
  if (code === "EENVELOPE" && (error.responseCode ?? 0) >= 500)
    return new CarrierFault("refused", words, { ...told, cure: "Correct the address in the notification settings." });
  if ((error.responseCode ?? 0) >= 500)
    return new CarrierFault("refused", words, { ...told, cure: "Ask whoever runs the mail server." });
  return new CarrierFault("later", words, told);
}

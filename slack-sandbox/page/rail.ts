import { html } from "hono/html";
import type { Workspace } from "../workspace/workspace.ts";
import { teamName } from "../workspace/seed.ts";
import { nothing, type Html } from "./mrkdwn.ts";
import { channelsOf, unread, visitors, type Visit } from "./visit.ts";

const zones = [
  "UTC",
  "Europe/London",
  "Europe/Berlin",
  "America/New_York",
  "America/Los_Angeles",
  "Asia/Kolkata",
  "Asia/Tokyo",
  "Australia/Sydney",
];

function note(user: { is_restricted: boolean; is_stranger: boolean; name: string; display_name: string }): string {
  if (user.is_restricted) return `${user.display_name} (guest)`;
  if (user.is_stranger) return `${user.display_name} (another workspace)`;
  return user.name === user.display_name.toLowerCase() ? user.display_name : `${user.display_name} (really ${user.name})`;
}

/** The left side: who one is, channels with what is unread, the app. */
export function renderRail(workspace: Workspace, visit: Visit, consoleUrl: string | null): Html {
  const link = (place: string, { name, count }: { name: string; count: number }) =>
    html`<li>
      <a
        href="?as=${visit.user.name}&in=${place}"
        data-go="${place}"
        ${visit.place === place ? html`aria-current="page"` : nothing}
        class="${count > 0 ? "unread" : ""}"
        >${name}${count === 0 ? nothing : html` <span class="count" aria-label="${count} unread">${count}</span>`}</a
      >
    </li>`;
  const direct = workspace.direct(visit.user.id);
  return html`<div class="team">${teamName}</div>
    <label class="who"
      >You are
      <select data-who>
        ${visitors(workspace).map(
          (user) =>
            html`<option value="${user.name}" ${user.id === visit.user.id ? html`selected` : nothing}>${note(user)}</option>`,
        )}
      </select></label
    >
    <nav aria-label="Channels">
      <ul>
        ${channelsOf(workspace, visit.user).map((channel) =>
          link(channel.id, {
            name: `${channel.is_private ? "◆ " : "# "}${channel.name}`,
            count: unread(workspace, { channel, user: visit.user }),
          }),
        )}
      </ul>
    </nav>
    <nav aria-label="Apps">
      <h2>Countersign</h2>
      <ul>
        ${link("home", { name: "Home", count: 0 })}
        ${link(direct.id, { name: "Messages", count: unread(workspace, { channel: direct, user: visit.user }) })}
        ${link("log", { name: "What went over the wire", count: 0 })}
        ${consoleUrl === null ? nothing : html`<li><a href="${consoleUrl}">Countersign's console ↗</a></li>`}
      </ul>
    </nav>
    <label class="who"
      >Time zone
      <select data-zone>
        ${[...new Set([visit.reader.zone, visit.user.tz, ...zones])].map(
          (zone) => html`<option value="${zone}" ${zone === visit.reader.zone ? html`selected` : nothing}>${zone}</option>`,
        )}
      </select></label
    >
    <p class="small">A sandbox: not Slack, nothing leaves this machine.</p>`;
}

import { html } from "hono/html";
import type { PrincipalView } from "../../domain/http/people-views.ts";
import type { GroupView } from "../../domain/http/record-views.ts";
import { roles } from "../../domain/principal.ts";
import { badge, guards, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

export interface PeoplePage {
  groups: GroupView[];
  people: PrincipalView[];
  /** Whether the reader may change them; who gains by a change is looked at when it is sent. */
  admin: boolean;
  csrf: string;
  key: string;
  receipt: Html;
}

export function peoplePage(view: PeoplePage): Html {
  const { groups, people, receipt, admin } = view;
  return html`<header class="title">
      <h1>People</h1>
      <p class="sub">Who belongs to which group, and so decides on what.</p>
    </header>
    ${receipt}
    <section aria-labelledby="groups-title">
      <h2 id="groups-title">Groups</h2>
      <ul class="tiles" id="groups" data-part>
        ${groups.map((group) => groupTile(group, view))}${admin ? newGroup(view) : nothing}
      </ul>
    </section>
    <section class="card" aria-labelledby="people-title">
      <h2 id="people-title">People and machines</h2>
      ${peopleTable(people, view)}
    </section>
    ${admin ? newPerson(view) : nothing}`;
}

function groupTile({ group, members }: GroupView, view: PeoplePage): Html {
  return html`<li class="card" id="group-${group}">
    <h3>${group}</h3>
    <p>${members.length === 0 ? "Nobody." : members.map((one) => one.displayName).join(", ")}</p>
    ${
      view.admin
        ? html`<details>
            <summary>Change its members</summary>
            ${membersForm({ group, members: members.map((one) => one.principal) }, view)}
          </details>`
        : nothing
    }
  </li>`;
}

function membersForm({ group, members }: { group: string; members: string[] }, { people, csrf, key }: PeoplePage): Html {
  const before = members.toSorted().join(" ");
  return html`<form method="post" action="${paths.people()}/groups" data-once>
    ${guards({ csrf, key: `${key}-group-${group}` })}<input type="hidden" name="group" value="${group}" /><input
      type="hidden"
      name="before"
      value="${before}"
    />
    ${people
      .filter((one) => one.active || members.includes(one.principal))
      .map(
        (one) =>
          html`<label class="tick"
            ><input
              type="checkbox"
              name="member.${one.principal}"
              value="yes"
              ${members.includes(one.principal) ? html` checked` : nothing}
            />
            ${one.displayName} <small>${one.principal}</small></label
          >`,
      )}
    <button type="submit">Change ${group}</button>
  </form>`;
}

function newGroup({ csrf, key }: PeoplePage): Html {
  return html`<li class="card">
    <details>
      <summary>A new group</summary>
      <form method="post" action="${paths.people()}/groups" data-once>
        ${guards({ csrf, key: `${key}-new-group` })}<input type="hidden" name="before" value="" />
        <label class="field" for="new-group"
          ><span>Name</span
          ><input id="new-group" name="group" required maxlength="63" pattern="[a-z][a-z0-9-]*" autocomplete="off"
        /></label>
        <button type="submit">Make the group</button>
      </form>
    </details>
  </li>`;
}

function peopleTable(people: PrincipalView[], view: PeoplePage): Html {
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">Who</th>
        <th scope="col">Roles</th>
        <th scope="col">Groups</th>
        ${view.admin ? html`<th scope="col">Change</th>` : nothing}
      </tr>
    </thead>
    <tbody>
      ${people.map(
        (one) =>
          html`<tr id="person-${one.principal}">
            <th scope="row">${one.displayName} <small>${one.principal}</small> ${standing(one)}</th>
            <td data-label="Roles">${one.roles.join(", ") || "none"}</td>
            <td data-label="Groups">${one.groups.join(", ") || "none"}</td>
            ${view.admin ? html`<td data-label="Change">${changeForms(one, view)}</td>` : nothing}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function standing({ active, kind }: PrincipalView): Html {
  if (!active) return badge("quiet", "has left");
  return kind === "machine" ? badge("quiet", "machine") : nothing;
}

function changeForms(one: PrincipalView, { csrf, key }: PeoplePage): Html {
  const id = one.principal;
  if (!one.active)
    return html`<form method="post" action="${paths.people()}/principals" data-once>
      ${guards({ csrf, key: `${key}-back-${id}` })}<input type="hidden" name="principal" value="${id}" />
      <button class="plain" type="submit" name="back" value="yes">Take ${one.displayName} back</button>
    </form>`;
  return html`<details>
    <summary>Roles, leaving</summary>
    <form method="post" action="${paths.people()}/principals" data-once>
      ${guards({ csrf, key: `${key}-roles-${id}` })}<input type="hidden" name="principal" value="${id}" />${rolesTicks(one)}
      <button type="submit">Change the roles</button>
    </form>
    <form method="post" action="${paths.people()}/leave" data-once>
      ${guards({ csrf, key: `${key}-leave-${id}` })}<input type="hidden" name="principal" value="${id}" />
      <label class="field" for="leave-${id}"
        ><span>Leaves because</span
        ><input id="leave-${id}" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <button class="danger" type="submit">${one.displayName} leaves: groups, tokens and delegations end now</button>
    </form>
  </details>`;
}

function rolesTicks({ roles: held, kind }: Pick<PrincipalView, "roles" | "kind">): Html {
  const open = kind === "machine" ? roles.filter((role) => role !== "admin" && role !== "break-glass") : roles;
  return html`${open.map(
    (role) =>
      html`<label class="tick"
        ><input type="checkbox" name="role.${role}" value="yes" ${held.includes(role) ? html` checked` : nothing} />
        ${role}</label
      >`,
  )}`;
}

function newPerson({ csrf, key }: PeoplePage): Html {
  return html`<details class="card">
    <summary>Add somebody</summary>
    <form method="post" action="${paths.people()}/principals" data-once>
      ${guards({ csrf, key: `${key}-new` })}
      <label class="field" for="new-id"
        ><span>Id</span
        ><input id="new-id" name="principal" required maxlength="63" pattern="[a-z][a-z0-9._\\-]*" autocomplete="off"
      /></label>
      <label class="field" for="new-name"
        ><span>Name</span><input id="new-name" name="name" required maxlength="120" autocomplete="off"
      /></label>
      <label class="tick"><input type="checkbox" name="machine" value="yes" /> a machine</label>
      ${rolesTicks({ roles: [], kind: "person" })}
      <button type="submit">Add</button>
    </form>
  </details>`;
}

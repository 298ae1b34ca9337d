import { html } from "hono/html";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

/** Somebody whom a development instance lets in by a button. */
export interface KnownPerson {
  principal: string;
  displayName: string;
  groups: string[];
  roles: string[];
}

export interface Entrance {
  people: KnownPerson[];
  /** Where to go afterwards: a path of this site. */
  next: string;
  fault: string | null;
}

export function signInPage({ people, next, fault }: Entrance): Html {
  return html`<main class="entrance" id="content">
    <p class="mark"><img src="/assets/mark.svg" width="30" height="30" alt="" /> Countersign</p>
    <h1>Sign in</h1>
    ${fault === null ? nothing : html`<p class="fault" role="alert">${fault}</p>`}
    ${
      people.length === 0
        ? nothing
        : html`<section class="card" aria-labelledby="as">
            <h2 id="as">A development instance: choose who you are</h2>
            <p class="note">These people exist on this machine alone.</p>
            <form method="post" action="/sign-in">
              <input type="hidden" name="next" value="${next}" />
              <ul class="people">
                ${people.map(person)}
              </ul>
            </form>
          </section>`
    }
    <section class="card" aria-labelledby="token-title">
      <h2 id="token-title">With a token</h2>
      <form method="post" action="/sign-in">
        <input type="hidden" name="next" value="${next}" /><label class="field" for="token"
          ><span>API token</span
          ><input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required /></label
        ><button type="submit">Sign in</button>
      </form>
    </section>
  </main>`;
}

function person({ principal, displayName, groups, roles }: KnownPerson): Html {
  return html`<li>
    <button type="submit" name="principal" value="${principal}">
      <strong>${displayName}</strong> <small>${groups.join(", ")}${roles.length === 0 ? "" : ` · ${roles.join(", ")}`}</small>
    </button>
  </li>`;
}

/**
 * A link from elsewhere comes without the session's cookie (SameSite=Strict). This page asks again
 * from here, with the cookie.
 */
export function returnPage(path: string): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="refresh" content="0; url=${path}" />
        <title>Countersign</title>
      </head>
      <body>
        <p><a href="${path}">Go on</a></p>
      </body>
    </html>`;
}

export function faultPage({ title, detail, cure }: { title: string; detail: string; cure: string | null }): Html {
  return html`<header class="title"><h1>${title}</h1></header>
    <section class="card">
      <p class="lead">${detail}</p>
      ${cure === null ? nothing : html`<p>${cure}</p>`}
      <p><a href="/">Models</a> · <a href="/inbox">Inbox</a></p>
    </section>`;
}

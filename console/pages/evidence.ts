import { html } from "hono/html";
import type { GateView } from "../../domain/http/gate-views.ts";
import { durationInWords } from "../../domain/wording.ts";
import { badge, digest, facts, gateLink, moment, nothing, releaseLink } from "../markup.ts";
import type { Html } from "../markup.ts";
import { evaluationSections } from "./evaluation.ts";
import { parametersInWords } from "./parameters.ts";

type Evidence = GateView["request"]["evidence"];

/** All that was frozen for the approver. Its markup is what is digested as "seen": it holds nothing that changes. */
export function evidenceSections(gate: GateView): Html {
  const { evidence } = gate.request;
  const evaluation = evidence.evaluationBody;
  return html`<section class="card verdict ${evidence.recommendation.verdict}" aria-labelledby="recommendation">
      <h2 id="recommendation">Recommendation</h2>
      <p class="lead">${badge(evidence.recommendation.verdict)} ${evidence.recommendation.sentence}</p>
      <p class="note">A recommendation never acts by itself.</p>
    </section>
    ${evaluation === null ? nothing : evaluationSections(evaluation, gate.id)}
    <section class="card" aria-labelledby="work">
      <h2 id="work">How it was made</h2>
      ${evidence.parentRequest === null ? nothing : html`<p>Reviewers of ${evidence.parent === null ? "the release before" : releaseLink(evidence.parent)} had asked: <q>${evidence.parentRequest}</q></p>`}
      <ol class="made">
        ${evidence.stages.map(({ stage, summary }) => html`<li><strong>${stage}</strong> ${summary}</li>`)}
      </ol>
      ${circumstances(evidence, gate)}
    </section>
    <section class="card" aria-labelledby="lineage">
      <h2 id="lineage">Lineage</h2>
      <p class="note">Each is the SHA-256 of the bytes themselves; deploying compares them again.</p>
      <table class="lineage">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          ${evidence.lineage.map(
            (one) =>
              html`<tr>
                <th scope="row">${one.name}</th>
                <td>${digest(one.digest)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${previousDecisions(evidence)}`;
}

function circumstances(evidence: Evidence, { request, release, subject }: GateView): Html {
  return facts([
    ["Requested by", `${evidence.requestedBy} (${evidence.trigger}): ${evidence.reason}`],
    ["Release", release === null ? null : releaseLink(release)],
    ["Changed for this release", parametersInWords(evidence.parameters)],
    ["Risk tier", `${evidence.tier}: ${evidence.tierReason}`],
    ["Policy", `${request.policy.id}, version ${request.policy.version}`],
    ["Training took", evidence.trainingMs === null ? null : durationInWords(evidence.trainingMs)],
    ["Champion now", evidence.champion ?? "none"],
    // Only a version that would serve has something behind it.
    ["Rolls back to", subject.kind === "version" ? (evidence.rollbackTarget ?? "nothing: there is no champion before it") : null],
  ]);
}

function previousDecisions({ previousDecisions: before }: Evidence): Html {
  if (before.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="before">
    <h2 id="before">Last decisions on this model</h2>
    <ul class="plain-list">
      ${before.map((one) => html`<li>${gateLink(one.gate)} ${badge(one.resolution)} ${one.by === null ? nothing : `by ${one.by}, `}${moment(one.at)}${one.outcome === null ? nothing : `; the release ended as ${one.outcome}`}</li>`)}
    </ul>
  </section>`;
}

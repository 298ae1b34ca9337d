/** A policy that uses everything that one may say. */
export const wholePolicy = `policy: everything
title: A policy that says all that one may say
tier: medium
maturities: [managed, integrated]
teams: [ml-engineering]
owner: model-risk
gates:
  - name: data
    after: validate
    when: { any: [{ contractWarned: true }, { driftOpen: true }] }
    ask: May a model be trained on this data?
    groups: [model-risk]
    deadline: 36h
  - name: promotion
    after: evaluate
    when:
      not:
        all:
          - { verdict: { atLeast: fail } }
          - { metricWorse: { metric: auc, by: 0.01 } }
          - { triggeredBy: [drift, schedule] }
    ask: May this version become the champion?
    groups: [model-risk, $owner]
    people: [pia]
    quorum: 2
    oneFromEach: [model-risk]
    barred: { groups: [automation], people: [ben] }
    rejections: 2
    deadline: 7d
    onDeadline: hold
    remindAt: [0.25, 0.5]
    escalation:
      - { groups: [platform], after: 3d }
      - { groups: [product], after: 1w }
    maxAge: 14d
    inputs:
      - { name: share, title: Share of traffic, type: number, min: 0.01, max: 0.5, default: 0.1, required: true }
      - { name: soak, title: Hours to wait, type: integer, min: 1, max: 48 }
      - { name: region, title: Where first, type: choice, options: [north, south], default: north }
      - { name: note, title: What to watch, type: text, maxLength: 200 }
      - { name: told, title: Support was told, type: boolean, default: false }
    conditional: { within: 30d }
    freshness: { champion: true, drift: false }
    changes:
      seed: { min: 0, max: 1000 }
      train.l2: { min: 0.001, max: 10 }
      limits.minutes: { oneOf: [10, 20] }
skippable: [monitor]
change: { ask: May this policy take effect?, groups: [model-risk], deadline: 7d }
definitionChange: { ask: May this definition be loosened so?, groups: [model-risk], deadline: 7d, onDeadline: reject }
retirement: { ask: May this model be retired?, groups: [model-risk], deadline: 7d }
breakGlass: { ask: Was it right to break the glass?, groups: [model-risk], deadline: 2d }
external:
  - { name: approval, ask: May this go on?, groups: [model-risk], deadline: 7d }
revalidation: { every: 365d, onOverdue: revoke }
`;

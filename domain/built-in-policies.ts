import { canonicalPolicy } from "./policy-form.ts";
import type { Maturity, Policy, Tier } from "./policy.ts";
import { maturities, tiers } from "./policy.ts";
import { policyDocumentSchema } from "./policy-schema.ts";
import type { AuthoredPolicy } from "./policy-schema.ts";

/**
 * The policies that come with the product, one for each tier and maturity, so that a team writes
 * none to begin. They name three groups: `model-risk`, `product` and `platform`. What a release is
 * asked grows with the risk; what surrounds it (evidence that ages, definitions, retirement) with
 * the maturity. A text never changes once it was published: a new one is a new version.
 */
type Rule = NonNullable<AuthoredPolicy["change"]>;
type Gate = NonNullable<AuthoredPolicy["gates"]>[number];
type Parts = Pick<AuthoredPolicy, "title" | "gates" | "skippable" | "definitionChange" | "retirement" | "revalidation">;

const risk: Rule = { ask: "", groups: ["model-risk"], quorum: 1, deadline: "7d", onDeadline: "hold" };
const riskAndProduct: Rule = {
  ...risk,
  groups: ["model-risk", "product"],
  quorum: 2,
  oneFromEach: ["model-risk", "product"],
  escalation: [{ groups: ["platform"], after: "5d" }],
};
/** Evidence older than two weeks says little of data that comes daily. */
const fresh = { maxAge: "14d", conditional: { within: "30d" } } as const;
/** Numbers that a reviewer may ask to try without becoming an author of the model. */
const mayAskFor = { seed: { min: 0, max: 2_147_483_647 }, months: { min: 1, max: 36 } };

const promotion: Gate = { ...risk, name: "promotion", after: "evaluate", ask: "May this version become the champion?" };
const bothPromote: Gate = {
  ...riskAndProduct,
  ...fresh,
  name: "promotion",
  after: "evaluate",
  ask: promotion.ask,
  changes: mayAskFor,
};
const trainingData: Gate = {
  ...risk,
  name: "data",
  after: "validate",
  ask: "May a model be trained on this data?",
  deadline: "3d",
};
const changeOfDefinition: Rule = { ...risk, ask: "May this model's definition be loosened so?" };
const retirement: Rule = { ...risk, ask: "May this model be retired?" };
const yearly = { every: "365d", onOverdue: "finding" } as const;

const texts: Record<Tier, Record<Maturity, Parts>> = {
  low: {
    initial: { title: "Low risk, initial: no person is asked; that is on record.", gates: [], skippable: ["monitor"] },
    managed: { title: "Low risk, managed: no person is asked; that is on record.", gates: [], skippable: ["monitor"] },
    integrated: {
      title:
        "Low risk, integrated: a colleague or model-risk decides where the evaluation fails or a protected group is affected.",
      gates: [
        {
          ...promotion,
          groups: ["$owner", "model-risk"],
          deadline: "3d",
          when: { any: [{ verdict: { atLeast: "fail" } }, { protectedGroupAffected: true }] },
        },
      ],
      skippable: ["monitor"],
      definitionChange: { ...changeOfDefinition, groups: ["$owner", "model-risk"], deadline: "3d" },
    },
    optimized: {
      title: "Low risk, optimized: a colleague or model-risk decides on first releases and wherever the evidence warns.",
      gates: [
        {
          ...promotion,
          ...fresh,
          groups: ["$owner", "model-risk"],
          deadline: "3d",
          when: {
            any: [
              { firstRelease: true },
              { verdict: { atLeast: "warn" } },
              { protectedGroupAffected: true },
              { contractWarned: true },
              { driftOpen: true },
              { governedFieldChanged: true },
            ],
          },
          changes: mayAskFor,
        },
      ],
      skippable: [],
      definitionChange: { ...changeOfDefinition, groups: ["$owner", "model-risk"], deadline: "3d" },
      revalidation: yearly,
    },
  },
  medium: {
    initial: {
      title: "Medium risk, initial: one who did not contribute, of the owner team or model-risk, decides before promotion.",
      gates: [{ ...promotion, groups: ["$owner", "model-risk"] }],
      skippable: ["monitor"],
    },
    managed: {
      title: "Medium risk, managed: one member of model-risk decides before promotion.",
      gates: [{ ...promotion, changes: mayAskFor }],
      skippable: ["monitor"],
      definitionChange: changeOfDefinition,
    },
    integrated: {
      title:
        "Medium risk, integrated: model-risk decides before promotion on evidence of two weeks at most, and on loosened definitions.",
      gates: [{ ...promotion, ...fresh, escalation: [{ groups: ["platform"], after: "5d" }], changes: mayAskFor }],
      skippable: [],
      definitionChange: changeOfDefinition,
      retirement,
    },
    optimized: {
      title:
        "Medium risk, optimized: one of model-risk and one of product decide before promotion, on data that warns before training.",
      gates: [{ ...trainingData, when: { any: [{ contractWarned: true }, { driftOpen: true }] } }, bothPromote],
      skippable: [],
      definitionChange: changeOfDefinition,
      retirement,
      revalidation: yearly,
    },
  },
  high: {
    initial: {
      title: "High risk, initial: one member of model-risk decides before promotion; nothing may be skipped.",
      gates: [promotion],
      skippable: [],
    },
    managed: {
      title:
        "High risk, managed: one member of model-risk decides before promotion and on loosened definitions; nothing may be skipped.",
      gates: [{ ...promotion, changes: mayAskFor }],
      skippable: [],
      definitionChange: changeOfDefinition,
    },
    integrated: {
      title:
        "High risk, integrated: one of model-risk and one of product decide before promotion; model-risk on data that warns.",
      gates: [{ ...trainingData, when: { any: [{ contractWarned: true }, { driftOpen: true }] } }, bothPromote],
      skippable: [],
      definitionChange: changeOfDefinition,
      retirement,
      revalidation: yearly,
    },
    optimized: {
      title: "High risk, optimized: model-risk on all data before training; three before promotion, of model-risk and product.",
      gates: [trainingData, { ...bothPromote, quorum: 3 }],
      skippable: [],
      definitionChange: { ...changeOfDefinition, ...riskAndProduct, ask: changeOfDefinition.ask },
      retirement: { ...retirement, ...riskAndProduct, ask: retirement.ask },
      revalidation: { every: "365d", onOverdue: "revoke" },
    },
  },
};

function builtIn(tier: Tier, maturity: Maturity): Policy {
  // Whoever would change what a high-risk team answers for needs a second person.
  const strict = tier === "high" && (maturity === "integrated" || maturity === "optimized");
  const document: AuthoredPolicy = {
    policy: `${tier}-${maturity}`,
    tier,
    maturities: [maturity],
    owner: "model-risk",
    ...texts[tier][maturity],
    change: {
      ...risk,
      ask: "May this policy take effect?",
      ...(strict && { groups: ["model-risk", "platform"], quorum: 2, oneFromEach: ["model-risk"] }),
    },
    breakGlass: { ...risk, ask: "Was it right to break the glass?", deadline: "2d", groups: ["model-risk", "platform"] },
    external: [
      { ...risk, name: "approval", ask: "May this go on?" },
      { ...risk, name: "two-person", ask: "May this go on?", groups: ["model-risk", "product", "platform"], quorum: 2 },
    ],
  };
  return canonicalPolicy(policyDocumentSchema.parse(document), 1);
}

export const builtInPolicies: readonly Policy[] = tiers.flatMap((tier) => maturities.map((maturity) => builtIn(tier, maturity)));

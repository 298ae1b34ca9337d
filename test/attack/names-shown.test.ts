import { describe, expect, test } from "vitest";
import { evaluationSections } from "../../console/pages/evaluation.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { Notice } from "../../domain/notices.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { messageOf } from "../../slack/blocks/notice-messages.ts";
import { createWorkbench } from "../ml-data/workbench.ts";
import { rootAt } from "../setup/root-at.ts";
import { everyNotice } from "../slack/notices.ts";
import { escaped, hostile, namesIn } from "./hostile-texts.ts";

/** A column as somebody may name it: markup of pages and of Slack, a quote, a backslash, and a terminal's commands. */
const header = `a <script>alert(3)</script> \\ "b" \u001b[31m *bold* _it_ ~no~ \`code\` <!channel> <@U1> <https://evil.example|text> :tada:`;

describe("the name of a column", () => {
  test("is what stands in the CSV file, whatever stands there", async () => {
    const bench = await createWorkbench();
    await bench.write("odd.csv", `"${header.replaceAll('"', '""')}",n\n1,2\n`);
    const { manifest } = await freezeDataset(
      {
        dataRoot: rootAt(bench.dataRoot),
        store: bench.store,
        data: { rows: "t", sources: { t: { files: "odd.csv" } } },
        parameters: {},
      },
      unwatched,
    );
    await bench.remove();
    expect(manifest.sources["t"]?.columns.map(({ name }) => name)).toEqual([header, "n"]);
  });

  test("and the values of groups are text in every part of an evaluation's page", async () => {
    const estimate = { value: 0.6, low: 0.5, high: 0.7 };
    const effects = [
      { value: hostile, effect: 0.3, rows: 9 },
      { value: header, effect: -0.3, rows: 9 },
    ];
    const group = {
      group: hostile,
      rows: 90,
      tooFew: false,
      selectionRate: estimate,
      truePositiveRate: estimate,
      falsePositiveRate: estimate,
      calibration: estimate,
      accuracy: estimate,
      error: null,
    };
    const leftOut = [{ part: hostile, rows: 3, why: "fewer rows than 30" }];
    const gap = {
      measure: "selectionRateDifference" as const,
      gap: estimate,
      between: [hostile, header] satisfies [string, string],
      limit: { pass: 0.2, fail: null },
      verdict: "warn" as const,
      leftOut,
    };
    const row = { slice: `${header} = ${hostile}`, rows: 100, share: 0.1, value: estimate, rest: 0.8, worse: true };
    const example = { what: "highest", prediction: 0.9, contributions: [{ feature: header, value: hostile, effect: 0.1 }] };
    // Only what holds names; the page leaves out what an evaluation lacks.
    const evaluation = {
      rows: 900,
      positives: 300,
      baseRate: 0.3,
      metrics: [],
      calibration: [],
      confusion: null,
      flips: null,
      bootstrapRounds: 50,
      verdict: "warn",
      headline: { metric: "auc", candidate: estimate, champion: null, threshold: null },
      championVersion: null,
      label: hostile,
      notes: [`${header} has the same value in all rows for training.`],
      slices: {
        metric: "auc",
        chosen: "automatic",
        minimumRows: 50,
        tested: 1,
        tooFew: 1,
        leftOut,
        correction: "holm",
        rows: [{ ...row, difference: estimate, p: 0.01, corrected: 0.02, champion: null, flips: null }],
      },
      fairness: [
        {
          attribute: header,
          gap: 0.6,
          limit: 0.2,
          verdict: "warn",
          measure: gap.measure,
          sentence: `By ${header}, selection rates differ between ${hostile} and ${header}.`,
          measures: [gap],
          groups: [group, { ...group, group: header }],
        },
      ],
      importance: { method: "permutation", metric: "auc", rows: 90, repeats: 3, features: [{ feature: header, drop: estimate }] },
      explanation: {
        method: "linear-shap",
        unit: "log-odds",
        rows: 90,
        backgroundRows: 90,
        baseValue: 0,
        additivityError: 0,
        features: [{ feature: header, meanAbsolute: 0.2, effects }],
        examples: [example],
      },
    } as unknown as Evaluation;
    const page = String(await evaluationSections(evaluation, "m.2.promotion.1"));
    expect(page).not.toMatch(/<img src=x|<script|<!channel|<@U1|<https:/);
    for (const [tag] of page.matchAll(/<[a-z][^>]*>/gi)) expect(namesIn(tag)).not.toMatch(/\son[a-z]+\s*=/i);
    // In notes, slices, groups, what each feature does, single rows, and the features' importance.
    expect(page.split("&lt;script&gt;alert(3)").length).toBeGreaterThan(7);
    expect(page.split(escaped).length).toBeGreaterThan(5);
  });
});

describe("a message in Slack", () => {
  /** What the product itself writes or takes from a list of its own. */
  const own =
    /^(kind|state|resolution|verdict|decision|surface|how|what|onDeadline|digest|png|at|from|to|since|opensAt|deadline|console|temporal)$/;

  /** A notice in which every text that people, data or trainers choose is `text`. */
  function filled(value: unknown, text: string, name = ""): unknown {
    if (typeof value === "string") return own.test(name) ? value : text;
    if (Array.isArray(value)) return value.map((one) => filled(one, text, name));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, text, key)]));
  }

  /** The texts that Slack reads as mrkdwn. */
  function texts(value: unknown): string[] {
    if (Array.isArray(value)) return value.flatMap(texts);
    if (typeof value !== "object" || value === null) return [];
    const { type, text } = value as { type?: unknown; text?: unknown };
    return [...(type === "mrkdwn" && typeof text === "string" ? [text] : []), ...Object.values(value).flatMap(texts)];
  }

  const short = "<!channel> <@U1> <https://evil.example|text> *bold* _it_ ~no~ `code` :tada:";
  test.each(Object.entries(everyNotice))(
    "%s mentions nobody, links nowhere and formats nothing by what is told in it",
    (_, notice) => {
      for (const hostileText of [short, header]) {
        // The same members with other texts in them.
        const message = messageOf(filled(notice, hostileText) as Notice);
        const shown = [message.text, ...texts(message.blocks)];
        expect(shown.join("\n")).toContain("&lt;!channel&gt;");
        for (const text of shown) {
          for (const [begin] of text.matchAll(/<[^>|]*/g)) expect(begin).toMatch(/^<(!date\^|https:\/\/countersign\.example\/)/);
          // A log stands between fences, where signs are letters.
          const outside = text.replaceAll(/```[^`]*```/g, "");
          expect(outside).not.toMatch(/(^|\s)(\*bold\*|_it_|~no~|`code`|:tada:)/);
        }
      }
    },
  );
});

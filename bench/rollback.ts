import { loadDefinitionFile } from "../cli/definition-file.ts";
import { call, findInstance, quantile } from "./running-instance.ts";

/**
 * From the request to roll back to the first prediction that the old version answers, over HTTP,
 * back and forth between the two newest approved versions of the flights example.
 *
 *   npm start            (in another terminal; at least two versions must have been approved)
 *   npm run bench:rollback
 */
const rounds = 10;
const model = "flight-delays";
const instance = await findInstance();
const { definition } = await loadDefinitionFile(`examples/${model}/model.yaml`);
const example = {
  carrier: "US",
  origin: "EWR",
  dest: "CLT",
  tailnum: "N177US",
  time_hour: "2013-03-01T10:00:00Z",
  distance: 529,
};
const missing = Object.keys(definition?.features.request ?? {}).filter((column) => !(column in example));
if (missing.length > 0) throw new Error(`The example row lacks ${missing.join(", ")}.`);

const { body } = await call<{ items: { id: string; approvals: unknown[] }[] }>(instance, "olga", {
  path: `/api/versions?model=${model}`,
});
const approved = body.items.filter((version) => version.approvals.length > 0).map((version) => version.id);
if (approved.length < 2) throw new Error(`Only ${approved.join(", ") || "no version"} was approved; two are needed.`);

async function servedBy(): Promise<string> {
  const answer = await call<{ version: string }>(instance, "ada", {
    path: `/api/models/${model}/predictions`,
    body: { instances: [example] },
  });
  return answer.body.version;
}

const latencies: number[] = [];
for (let round = 0; round < rounds; round++) {
  const present = await servedBy();
  const to = approved.find((version) => version !== present) ?? "";
  const sent = performance.now();
  const back = await call<{ deployment: { version: string } }>(instance, "olga", {
    path: `/api/models/${model}/rollback`,
    body: { to, reason: "bench" },
  });
  if (back.status !== 200) throw new Error(`The rollback was refused: ${JSON.stringify(back.body)}`);
  while ((await servedBy()) !== to) if (performance.now() - sent > 10_000) throw new Error(`${to} did not serve within 10 s.`);
  latencies.push(performance.now() - sent);
}
process.stdout.write(
  `rollback → first prediction by the old version: p50 ${quantile(latencies, 0.5).toFixed(0)} ms, worst ${Math.max(...latencies).toFixed(0)} ms of ${rounds} (promised: under a second)\n`,
);

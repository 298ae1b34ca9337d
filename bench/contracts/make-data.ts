import { openDuckDb } from "../../ml/duckdb.ts";

/** Payments with twenty columns in Parquet, as random as a hash; a few rows break a few rules. */
export async function makePayments(path: string, rows: number): Promise<void> {
  const db = await openDuckDb({ threads: 2, memoryMb: 1024 });
  try {
    await db.run(`COPY (
      SELECT n::BIGINT AS id, 'P-' || lpad(n::VARCHAR, 9, '0') AS reference, (hash(n) % 90000)::INTEGER AS customer,
        ['EUR', 'USD', 'GBP', 'CHF'][1 + (hash(n * 3) % 4)::INTEGER] AS currency, round((hash(n * 5) % 1000000) / 100, 2) AS amount,
        CASE WHEN hash(n * 7) % 50 = 0 THEN NULL ELSE (hash(n * 7) % 100)::INTEGER END AS age, ['card', 'transfer', 'cash'][1 + (hash(n * 11) % 3)::INTEGER] AS kind,
        hash(n * 13) % 2 = 0 AS foreign_bank, TIMESTAMP '2024-01-01' + (n % 31536000) * INTERVAL 1 SECOND AS paid_at, (hash(n * 17) % 5)::INTEGER AS attempts,
        (hash(n * 19) % 10000) / 10000.0 AS risk, (hash(n * 23) % 10000) / 100.0 AS fee, 'C' || (hash(n * 29) % 500) AS shop, (hash(n * 31) % 24)::INTEGER AS hour,
        CASE WHEN hash(n * 37) % 100000 = 0 THEN 'XX' ELSE ['DE', 'FR', 'GB', 'IT'][1 + (hash(n * 37) % 4)::INTEGER] END AS country, (hash(n * 41) % 300)::INTEGER AS items,
        (hash(n * 43) % 100000) / 10.0 AS balance, CASE WHEN n = ${Math.floor(rows / 2)} THEN -1 ELSE hash(n * 47) % 40 END::INTEGER AS tenure,
        'u' || (hash(n * 53) % 90000) || '@example.org' AS mail, (hash(n * 59) % 1000) / 1000.0 AS score
      FROM range(${rows}) t(n)) TO '${path}' (FORMAT parquet)`);
  } finally {
    db.close();
  }
}

/** Thirty rules, of which three are broken; the Python side has the same. */
export const contract = {
  apiVersion: "v3.1.0",
  kind: "DataContract",
  schema: [
    {
      name: "payments",
      properties: [
        { name: "id", logicalType: "integer", required: true, unique: true },
        { name: "reference", required: true, logicalType: "string", logicalTypeOptions: { pattern: "^P-[0-9]{9}$" } },
        { name: "customer", required: true, logicalType: "integer", logicalTypeOptions: { minimum: 0 } },
        { name: "currency", required: true, quality: [values(["EUR", "USD", "GBP", "CHF"])] },
        { name: "amount", required: true, logicalType: "number", logicalTypeOptions: { minimum: 0, maximum: 10000 } },
        {
          name: "age",
          logicalType: "integer",
          logicalTypeOptions: { minimum: 0, maximum: 120 },
          quality: [{ metric: "nullValues", mustBeLessThan: 5, unit: "percent" }],
        },
        { name: "kind", required: true, quality: [values(["card", "transfer", "cash"])] },
        { name: "foreign_bank", required: true },
        {
          name: "paid_at",
          required: true,
          logicalType: "timestamp",
          logicalTypeOptions: { minimum: "2024-01-01", exclusiveMaximum: "2025-01-01" },
        },
        { name: "attempts", logicalType: "integer", logicalTypeOptions: { minimum: 0, maximum: 4 } },
        { name: "risk", required: true, logicalType: "number", logicalTypeOptions: { minimum: 0, maximum: 1 } },
        { name: "shop", logicalType: "string", logicalTypeOptions: { minLength: 2, maxLength: 4 } },
        { name: "country", required: true, quality: [values(["DE", "FR", "GB", "IT"])] },
        { name: "tenure", logicalType: "integer", logicalTypeOptions: { minimum: 0 } },
        { name: "mail", logicalType: "string", logicalTypeOptions: { pattern: "^[^@]+@example[.]org$" } },
        { name: "score", required: true, logicalType: "number", logicalTypeOptions: { maximum: 0.5 } },
      ],
    },
  ],
};

function values(validValues: string[]) {
  return { metric: "invalidValues", arguments: { validValues }, mustBe: 0 };
}

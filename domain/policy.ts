export const tiers = ["low", "medium", "high"] as const;
export type Tier = (typeof tiers)[number];

export const maturities = ["initial", "managed", "integrated", "optimized"] as const;
export type Maturity = (typeof maturities)[number];

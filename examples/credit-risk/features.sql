-- `not_known` stands for missing in the source, and says something by itself: it stays a value.
SELECT
  row_id,
  CAST(job AS VARCHAR) AS job,
  housing,
  saving_accounts,
  checking_account,
  ln(credit_amount) AS log_amount,
  duration,
  credit_amount / duration AS monthly_amount,
  purpose
FROM request

-- One row a flight. The weather is that of the scheduled hour at the airport of departure.
WITH flight AS (
  SELECT *, timezone('America/New_York', timezone('UTC', time_hour)) AS local_time
  FROM request
)
SELECT
  f.row_id,
  f.carrier,
  f.origin,
  f.dest,
  hour(f.local_time) AS hour,
  CAST(isodow(f.local_time) AS VARCHAR) AS weekday,
  f.distance,
  p.seats,
  year(f.local_time) - p.year AS plane_age,
  w.temp,
  w.humid,
  -- One observation of February 2013 says 1,048 miles an hour; the contract warns of it.
  CASE WHEN w.wind_speed <= 100 THEN w.wind_speed END AS wind_speed,
  w.precip,
  w.pressure,
  w.visib
FROM flight AS f
LEFT JOIN weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
LEFT JOIN planes AS p ON p.tailnum = f.tailnum

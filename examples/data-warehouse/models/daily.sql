-- Trips and revenue of each day and zone.
select
  started_at::date as day,
  zone,
  count(*)::integer as trips,
  sum(fare_cents)::integer as revenue_cents
from {{ source('trips') }}
group by all

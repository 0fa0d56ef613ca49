-- What each zone brings in.
select
  zone,
  sum(trips)::integer as trips,
  sum(revenue_cents)::integer as revenue_cents
from {{ ref('daily') }}
group by all

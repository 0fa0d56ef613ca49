-- The busiest day of each zone, beside what the zone brings in.
select zone, arg_max(day, daily.trips) as busiest_day, max(daily.trips) as trips, any_value(zones.trips) as trips_in_all
from {{ ref('daily') }} as daily
join {{ ref('zones') }} as zones using (zone)
group by zone

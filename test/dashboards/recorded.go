package dashboards

import "math"

// recorded appends what rules would have recorded, once an hour: what the dashboards
// show of months, and what rules read of the weeks before. The rest rules record again
// in the Prometheus that reads the history.
func (h History) recorded(a *account, out *appender) {
	times := hourly(out)
	by := func(c *customer, resource string) map[string]string {
		ls := map[string]string{"job": h.job(), "resource": resource}
		if c.index >= 0 {
			ls["room_prefix"] = c.prefix
		}
		return ls
	}
	grown := func(c *customer, figure func(*customer, int64) float64, window int64) func(int64) float64 {
		return func(at int64) float64 {
			if at-window < a.begins {
				return math.NaN()
			}
			return figure(c, at) - figure(c, at-window)
		}
	}
	for _, u := range usage {
		for i := range a.customers {
			c := &a.customers[i]
			out.series("job_room_prefix_resource:whereby_usage:max", by(c, u.resource), times, func(at int64) float64 { return u.figure(c, at) })
		}
		out.series("job_resource:whereby_usage:increase1h", by(&a.total, u.resource), times, grown(&a.total, u.figure, hour))
	}
	out.series("job:whereby_live_participants:max1h", map[string]string{"job": h.job()}, times, a.total.people)
	out.series("whereby:quarter_start:timestamp_seconds", nil, times, func(at int64) float64 { s, _ := quarter(at); return float64(s) })
	out.series("whereby:quarter_end:timestamp_seconds", nil, times, func(at int64) float64 { _, e := quarter(at); return float64(e) })
	for i := range a.customers {
		c := &a.customers[i]
		prefix := map[string]string{"job": h.job(), "room_prefix": c.prefix}
		out.series("job_room_prefix:whereby_live_participants:max1h", prefix, times, c.people)
		fullest := func(at int64) float64 { return noise(at/hour, c.index) }
		out.series("job_room_prefix:whereby_live_fullest_room_ratio:max1h", prefix, times, fullest)
		out.series("job_room_prefix:whereby_participant_minutes:increase1d", prefix, times, grown(c, (*customer).minutes, day))
		poor := 0.02 + 0.1*noise(int64(i), 3)*noise(int64(i), 4)
		sampled := func(at int64) float64 { return (c.minutes(at) - c.minutes(at-hour) + 1) / 3600 }
		out.series("job_room_prefix:whereby_quality_samples:rate1h", prefix, times, sampled)
		out.series("job_room_prefix:whereby_quality_good_samples:rate1h", prefix, times, func(at int64) float64 { return (1 - poor) * sampled(at) })
		out.series("job_room_prefix:whereby_quality_good:ratio_rate1h", prefix, times, func(int64) float64 { return 1 - poor })
		spent := map[string]string{"job": h.job(), "room_prefix": c.prefix, "kind": "participant_minute"}
		out.series("job_room_prefix_kind:whereby_cost:increase1h", spent, times, func(at int64) float64 { return 0.004 * grown(c, (*customer).minutes, hour)(at) })
		if c.quota == 0 {
			continue
		}
		ls := by(c, "participant_minutes")
		used := func(at int64) float64 { return c.used("participant_minutes", at) }
		limit := c.limit("participant_minutes")
		out.series("job_room_prefix_resource:whereby_quota_used:max", ls, times, used)
		out.series("job_room_prefix_resource:whereby_quota_limit:max", ls, times, func(int64) float64 { return limit })
		out.series("job_room_prefix_resource:whereby_quota_used:ratio", ls, times, func(at int64) float64 { return used(at) / limit })
		out.series("job_room_prefix_resource:whereby_quota_used:increase1h", ls, times, grown(c, (*customer).minutes, hour))
		out.series("job_room_prefix:whereby_quota_near_ratio:max", prefix, times, func(int64) float64 { return 0.8 })
	}
	out.series("whereby:quality_objective:ratio", nil, times, func(int64) float64 { return 0.97 })
	organization := by(&a.total, "participant_minutes")
	out.series("job_resource:whereby_organization_quota_limit:max", organization, times, func(int64) float64 { return a.total.limit("participant_minutes") })
	out.series("job_resource:whereby_organization_quota_used:increase1h", organization, times, grown(&a.total, (*customer).minutes, hour))
	out.series("job:whereby_organization_quota_period:seconds", map[string]string{"job": h.job()}, times, func(at int64) float64 { s, e := month(at); return float64(e - s) })
}

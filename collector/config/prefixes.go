package config

import "whereby_exporter/collector/prefix"

// Configured returns the room prefixes of the customers.
func (c *Config) Configured() []string {
	prefixes := make([]string, len(c.Customers))
	for i, customer := range c.Customers {
		prefixes[i] = customer.RoomPrefix
	}
	return prefixes
}

// Prefixes defines which prefix a room counts under.
func (c *Config) Prefixes() prefix.Options {
	configured := c.Configured()
	options := prefix.Options{
		Classify:   prefix.NewClassifier(configured, c.RoomPrefixes.Pattern).Of,
		Limit:      c.RoomPrefixes.Limit,
		Configured: configured,
	}
	if c.RoomPrefixes.Pattern != nil {
		options.Pattern = c.RoomPrefixes.Pattern.String()
	}
	return options
}

// Capacities returns a function for how many people a room of a prefix holds; 0 if unknown.
func (c *Config) Capacities() func(roomPrefix string) int64 {
	own := make(map[string]int64, len(c.Customers))
	for _, customer := range c.Customers {
		own[customer.RoomPrefix] = customer.RoomCapacity
	}
	return func(roomPrefix string) int64 {
		if capacity, ok := own[roomPrefix]; ok {
			return capacity
		}
		return c.Organization.RoomCapacity
	}
}

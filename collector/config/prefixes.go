package config

import "whereby_exporter/collector/prefix"

// Configured are the room prefixes of the customers.
func (c *Config) Configured() []string {
	prefixes := make([]string, len(c.Customers))
	for i, customer := range c.Customers {
		prefixes[i] = customer.RoomPrefix
	}
	return prefixes
}

// Prefixes say which prefix a room counts under.
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

package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"whereby_exporter/collector/prefix"
)

const (
	// maxPrefix is the longest roomNamePrefix that Whereby accepts.
	maxPrefix = 39
	// maxName bounds a customer's name, which becomes a label, in characters.
	maxName = 128
	// maxWhole is the largest quota: up to here a float64 holds every whole number.
	maxWhole = 1 << 53
	// maxCapacity is far above the people that a room of Whereby's holds.
	maxCapacity = 100_000
)

// customer is a Customer as the file has it.
type customer struct {
	Customer
	anchorDay int // 0 means that of billing
	at        node
}

func (c *customer) read(r *reader, n node) {
	c.at = n
	c.fields().read(r, n)
}

func (c *customer) fields() mapping {
	prefix := text(func(s string) string {
		c.RoomPrefix = s
		return checkPrefix(s)
	})
	return mapping{
		{name: "room_prefix", help: "The customer owns the rooms whose names start with this; the longest prefix wins. _none stands for rooms without a prefix.", required: true,
			value: scalar(func(r *reader, n node) {
				c.at = n
				prefix(r, n)
			})},
		{name: "name", help: "Name of the customer; room_prefix without trailing dashes by default. Several prefixes may have the same name.", value: text(func(s string) string {
			c.Name = s
			return checkName(s)
		})},
		{name: "anchor_day", help: "Day of the month on which billing periods start, 1 to 31; the one in billing by default.", value: anchorDay(&c.anchorDay)},
		{name: "near_ratio", help: "Share of a quota at which the customer is near its limit, above 0 and below 1; 0.8 by default.", value: number(func(f float64) string {
			c.NearRatio = f
			if f <= 0 || f >= 1 {
				return "must be above 0 and below 1, such as 0.8"
			}
			return ""
		})},
		{name: "room_capacity", help: "People that one of the customer's rooms can hold; the one in organization by default.", value: roomCapacity(&c.RoomCapacity)},
		{name: "quotas", help: "Limits. 0 allows nothing; a resource that is not listed has no limit.", value: quotas(&c.Quotas, Resources())},
	}
}

func anchorDay(to *int) scalar {
	return whole(1, 31, "", func(i int64) { *to = int(i) })
}

func roomCapacity(to *int64) scalar {
	return whole(1, maxCapacity, "", func(i int64) { *to = i })
}

var resourceHelp = map[Resource]string{
	ParticipantMinutes:   "Participant minutes in a billing period.",
	RecorderMinutes:      "Recorder minutes in a billing period.",
	StreamerMinutes:      "Streamer minutes in a billing period.",
	TranscriptionMinutes: "Billable minutes of transcriptions that start in a billing period.",
	BilledMinutes:        "All billed minutes of a billing period: of participants, recorders, streamers and transcriptions.",
	Sessions:             "Sessions that start in a billing period.",
	LiveParticipants:     "People in rooms at one time.",

	RecordingsStoredBytes: "Bytes of recordings that Whereby stores at one time.",
}

func quotas(to *Quotas, resources []Resource) mapping {
	var m mapping
	for _, resource := range resources {
		m = append(m, field{name: string(resource), help: resourceHelp[resource],
			value: whole(0, maxWhole, ": Whereby counts whole minutes, sessions and people", func(i int64) {
				if *to == nil {
					*to = Quotas{}
				}
				(*to)[resource] = float64(i)
			})})
	}
	return m
}

// checkPrefix returns the fault of a configured prefix, or "".
func checkPrefix(s string) string {
	switch s {
	case "":
		return "must not be empty; for rooms without a prefix, write " + prefix.None
	case prefix.None:
		return ""
	case prefix.Other:
		return "is reserved for prefixes beyond room_prefixes.limit, which belong to no single customer"
	}
	if corrected := strings.Map(prefixRune, strings.ToLower(s)); corrected != s {
		problem := "can never match: Whereby's prefixes hold only a-z, 0-9 and -, as it makes letters small and removes white space"
		if corrected != "" && len(corrected) <= maxPrefix {
			problem += "; did you mean " + strconv.Quote(corrected) + "?"
		}
		return problem
	}
	if len(s) > maxPrefix {
		return "is " + strconv.Itoa(len(s)) + " characters long; Whereby's prefixes have at most " + strconv.Itoa(maxPrefix)
	}
	return ""
}

// prefixRune drops characters that Whereby never generates.
func prefixRune(c rune) rune {
	if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
		return c
	}
	return -1
}

func checkName(s string) string {
	refused, ok := prefix.Refused(s)
	switch {
	case ok:
		return fmt.Sprintf("must be on one line, without control characters and without those that turn the direction of text, but holds %U; remove it", refused)
	case prefix.IsBlank(s):
		return "must not be empty; remove the key to use the prefix as the name"
	case utf8.RuneCountInString(s) > maxName:
		return "is longer than " + strconv.Itoa(maxName) + " characters"
	}
	return ""
}

// nameOf returns the name of a customer that has none.
func nameOf(prefix string) string {
	if name := strings.TrimRight(prefix, "-"); name != "" {
		return name
	}
	return prefix
}

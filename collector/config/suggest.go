package config

import (
	"slices"
	"strings"
)

// maxKnown is how many known names a message lists: all thresholds and all alerts, which
// the operator can't guess.
const maxKnown = 64

// hint ends a message about an unknown name: the known name that was probably
// meant, or all of them.
func hint(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	if len(known) == 0 || len(known) > maxKnown {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}

// nearest returns the known name that differs least from name, or "" if all
// differ too much to be meant.
func nearest(name string, known []string) string {
	name = plain(name)
	if len(name) > 64 {
		return ""
	}
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(name, plain(k)); d <= least && d < max(len(name), len(k)) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// plain makes nearQuota, Near-Quota and near_quota close to each other.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", "_")
}

// distance returns the number of bytes to insert, delete, replace, or swap with their
// neighbor to make a into b (optimal string alignment).
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package config

import (
	"fmt"
	"regexp"
	"time"

	promconfig "github.com/prometheus/common/config"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/prefix"
)

// Config is a valid configuration file with its defaults filled in. It is not
// changed once parsed, and may be read by several goroutines.
type Config struct {
	HTTPClient   HTTPClient
	RoomPrefixes RoomPrefixes
	// Billing is the calendar of the organization, and of every room prefix that
	// belongs to no customer.
	Billing      billing.Calendar
	Organization Organization
	// Customers are in the file's order.
	Customers []Customer
	// Segments is nil if the file asks for none.
	Segments *Segments
	Quality  Quality
	// Prices is nil if the file has none.
	Prices *Prices
	Alerts Alerts
}

// HTTPClient are the settings of the client that calls Whereby's API. It never
// holds credentials for the API: those are the API key's. It may hold secrets of
// a proxy and private keys, so it prints as a placeholder.
type HTTPClient struct {
	promconfig.HTTPClientConfig
}

const hidden = "<hidden>"

// String returns a placeholder.
func (HTTPClient) String() string { return hidden }

// Format prints the placeholder whatever the verb, so that no way of printing a
// Config shows a secret.
func (HTTPClient) Format(s fmt.State, _ rune) { fmt.Fprint(s, hidden) }

// MarshalText returns the placeholder; encoding/json uses it.
func (HTTPClient) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns the placeholder.
func (HTTPClient) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalYAML returns the placeholder.
func (HTTPClient) MarshalYAML() (any, error) { return hidden, nil }

// RoomPrefixes defines which prefix a room counts under.
type RoomPrefixes struct {
	// Pattern has one capture group, which is the prefix; nil means the room's name
	// without its trailing UUID.
	Pattern *regexp.Regexp
	// Limit is the number of prefixes beyond which further ones count under
	// prefix.Other; no less than the number of customers.
	Limit int
}

// Organization is the whole account.
type Organization struct {
	// Quotas are limits of OrganizationResources.
	Quotas Quotas
	// RoomCapacity is how many people a room holds if its customer does not say; 0 if
	// unknown.
	RoomCapacity int64
	// RecordingsRetention is how long recordings may be stored; 0 if not configured.
	RecordingsRetention time.Duration
}

// Customer is the owner of the rooms with a prefix. One customer may own several
// prefixes: each is a Customer with the same Name, and quotas of its own.
type Customer struct {
	// RoomPrefix is 1 to 39 characters of a-z, 0-9 and -, or prefix.None,
	// which stands for the rooms without a prefix.
	RoomPrefix string
	// Name is the prefix without its trailing dashes if the file has no name.
	Name string
	// Calendar is the customer's own, or that of Config.Billing.
	Calendar billing.Calendar
	// NearRatio is the share of a quota, above 0 and below 1, at which the customer is
	// near it.
	NearRatio float64
	// RoomCapacity is how many people a room of the prefix holds, the customer's own value or
	// that of Config.Organization; 0 if unknown.
	RoomCapacity int64
	Quotas       Quotas
}

// Quotas are limits of the resources that have one. A limit of 0 allows nothing;
// a resource that is absent has no limit. Participant, recorder and streamer
// minutes are in minutes, the rest are counts and bytes; all are whole.
type Quotas map[Resource]float64

// Resource is what a quota limits, by its name in the file and in metrics.
type Resource string

// The resources. All but LiveParticipants are used up over a billing period.
const (
	ParticipantMinutes Resource = "participant_minutes"
	RecorderMinutes    Resource = "recorder_minutes"
	StreamerMinutes    Resource = "streamer_minutes"
	// TranscriptionMinutes are billable minutes of transcriptions.
	TranscriptionMinutes Resource = "transcription_minutes"
	Sessions             Resource = "sessions"
	// LiveParticipants are the people in rooms at one time.
	LiveParticipants Resource = "live_participants"
	// BilledMinutes are the sum of all minutes. Only the organization has a quota for them.
	BilledMinutes Resource = "billed_minutes"
	// RecordingsStoredBytes is the size of all recordings that Whereby stores for the account
	// at one time.
	RecordingsStoredBytes Resource = "recordings_stored_bytes"
)

// Resources returns the resources of customers, in the order in which they are documented.
func Resources() []Resource {
	return []Resource{ParticipantMinutes, RecorderMinutes, StreamerMinutes, TranscriptionMinutes, Sessions, LiveParticipants}
}

// OrganizationResources returns the resources of the whole account: those of customers,
// and those for which only the account has an allowance.
func OrganizationResources() []Resource {
	return append(Resources(), BilledMinutes, RecordingsStoredBytes)
}

// Alerts is what the operator changes in the bundled alert rules. Anything absent stays
// as it is in the rules.
type Alerts struct {
	// Thresholds are by name; the name includes the unit.
	Thresholds map[string]float64
	// Severities are by alert.
	Severities map[string]Severity
	// Disabled are alerts, in the file's order.
	Disabled []string
	// RunbookURL and DashboardURL are http or https, or "".
	RunbookURL, DashboardURL string
}

// Severity says what an alert asks for.
type Severity string

// The severities: a page, a ticket, and context.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

const (
	defaultNearRatio    = 0.8
	defaultSegmentLimit = 1000
)

// Default returns the configuration of an absent or empty file.
func Default() *Config {
	return &Config{
		HTTPClient:   defaultHTTPClient(),
		RoomPrefixes: RoomPrefixes{Limit: prefix.DefaultLimit},
		Billing:      defaultBilling(),
		Quality:      Quality{PoorAfter: defaultPoorAfter},
	}
}
